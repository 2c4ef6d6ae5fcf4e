// Somebody who works with git alone, while others edit.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const me = { GIT_AUTHOR_NAME: 'Sam Seeder', GIT_AUTHOR_EMAIL: 'sam@example.org', GIT_COMMITTER_NAME: 'Sam Seeder', GIT_COMMITTER_EMAIL: 'sam@example.org', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };

export class Clone {
  constructor(repository) {
    this.repository = repository;
    this.dir = mkdtempSync(join(tmpdir(), 'gatehouse-clone-'));
  }

  git(...args) {
    return run('git', args, { cwd: this.dir, env: { ...process.env, ...me } });
  }

  /** Commits a new file on top of what the site's branch is now. */
  async commit(file) {
    if (!this.cloned) await this.git('clone', '-q', this.repository.dir, '.');
    this.cloned = true;
    await this.git('fetch', '-q');
    await this.git('reset', '-q', '--hard', 'origin/main');
    writeFileSync(join(this.dir, file), 'By hand.\n');
    await this.git('add', file);
    await this.git('commit', '-q', '-m', `Push by hand: ${file}`);
  }

  /** Pushes; false when somebody else was faster. */
  async push() {
    return this.git('push', '-q', 'origin', 'HEAD:main').then(() => true, (error) => {
      if (/rejected|cannot lock ref|failed to update ref/.test(error.stderr)) return false;
      throw error;
    });
  }

  remove() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
