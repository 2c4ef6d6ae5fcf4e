// A mail server that accepts everything and keeps it, for tests.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Listens on a free port. */
export async function startSMTP() {
  const mails = [];
  const waiting = new Set();
  const server = createServer((socket) => converse(socket, (mail) => {
    mails.push(mail);
    for (const look of waiting) look();
  }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `smtp://127.0.0.1:${server.address().port}`,
    mails,
    /** The first mail to an address that was not taken yet and has a link to a page of ours. */
    async take(to, page) {
      const find = () => mails.find((m) => !m.taken && m.to === to && m.text.includes(`/${page}?token=`));
      let mail = find();
      if (!mail) {
        mail = await new Promise((resolve, reject) => {
          const end = setTimeout(() => reject(new Error(`no mail to ${to} about ${page}; there are ${mails.map((m) => `${m.to}: ${m.subject}`)}`)), 20_000);
          const look = () => {
            const found = find();
            if (!found) return;
            clearTimeout(end);
            waiting.delete(look);
            resolve(found);
          };
          waiting.add(look);
        });
      }
      mail.taken = true;
      return /[?]token=([A-Za-z0-9_-]+)/.exec(mail.text)[1];
    },
    stop() { server.close(); },
  };
}

function converse(socket, keep) {
  let buffer = '';
  let to;
  let data = null;
  const say = (line) => socket.write(`${line}\r\n`);
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    buffer += chunk;
    for (let end; (end = buffer.indexOf('\r\n')) >= 0;) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (data) {
        if (line !== '.') { data.push(line.replace(/^\./, '')); continue; }
        keep({ to, subject: /^Subject: (.*)$/mi.exec(data.join('\n'))?.[1], text: plain(data.join('\n')) });
        data = null;
        say('250 kept');
      } else if (/^EHLO|^HELO/i.test(line)) say('250 test');
      else if (/^RCPT TO:/i.test(line)) { to = /<(.*?)>/.exec(line)[1]; say('250 ok'); }
      else if (/^DATA/i.test(line)) { data = []; say('354 go on'); }
      else if (/^QUIT/i.test(line)) { say('221 bye'); socket.end(); }
      else say('250 ok');
    }
  });
  say('220 test');
}

/** The texts of a mail, in whatever encoding its parts are. */
function plain(raw) {
  const parts = raw.split(/^--\S+$/m).map((part) => {
    const [, head, body] = /^\s*([\s\S]*?)\n\n([\s\S]*)$/.exec(part) ?? [null, '', part];
    if (/encoding: base64/i.test(head)) return Buffer.from(body, 'base64').toString();
    if (!/encoding: quoted-printable/i.test(head)) return body;
    return Buffer.from(body.replace(/=\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))), 'latin1').toString();
  });
  return parts.join('\n');
}
