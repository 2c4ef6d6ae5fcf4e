// The sites that the tests edit.

/** A picture: a PNG of one colour, 64 x 64. */
export const picture = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsMtjSuMZywi+hcEKLNXzWgQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQELgsB9SFa146eYAAAAABJRU5ErkJggg==', 'base64');

export const post = (n, more = '') => `---\ntitle: Post number ${n}\ndate: 2026-01-${String((n % 28) + 1).padStart(2, '0')}T10:00:00.000Z\n${more}---\nThe text of post ${n}.\n`;

export const posts = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`content/posts/post-${String(i + 1).padStart(2, '0')}.md`, post(i + 1)]));

const postFields = `
    fields:
      - {name: title, label: Title, widget: string}
      - {name: date, label: Date, widget: datetime, default: "2026-02-01T10:00:00.000Z"}
      - {name: image, label: Image, widget: image, required: false}
      - {name: body, label: Body, widget: markdown}
`;

const head = (mode) => `# The site's own configuration, as it was written for git-gateway.
backend:
  name: git-gateway
  branch: main
publish_mode: ${mode}
media_folder: static/uploads
public_folder: /uploads
`;

/** One collection of posts. */
export const simpleConfig = (mode = 'editorial_workflow') => `${head(mode)}collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
${postFields}`;

/** Every kind of collection. */
export const fullConfig = `${head('editorial_workflow')}i18n:
  structure: single_file
  locales: [en, de]
  default_locale: en
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
${postFields}  - name: settings
    label: Settings
    files:
      - name: general
        label: General
        file: data/general.json
        fields:
          - {name: site_title, label: Site title, widget: string}
      - name: colours
        label: Colours
        file: data/colours.json
        fields:
          - {name: main, label: Main colour, widget: string}
  - name: news
    label: News
    label_singular: News item
    folder: content/news
    create: true
    i18n: true
    fields: &translated
      - {name: title, label: Title, widget: string, i18n: true}
      - {name: body, label: Body, widget: text, i18n: true}
  - name: events
    label: Events
    label_singular: Event
    folder: content/events
    create: true
    i18n: {structure: multiple_files}
    fields: *translated
  - name: guides
    label: Guides
    label_singular: Guide
    folder: content/guides
    create: true
    i18n: {structure: multiple_folders}
    fields: *translated
  - name: pages
    label: Pages
    label_singular: Page
    folder: content/pages
    create: true
    nested: {depth: 10, summary: "{{title}}"}
    meta: {path: {widget: string, label: Path, index_file: index}}
    fields:
      - {name: title, label: Title, widget: string}
      - {name: body, label: Body, widget: text}
`;

export const fullSite = {
  'admin/config.yml': fullConfig,
  ...posts(47),
  'static/uploads/old.png': picture,
  'data/general.json': '{\n  "site_title": "The old title"\n}\n',
  'content/pages/index.md': '---\ntitle: Home\n---\nWelcome\n',
  'content/pages/about/index.md': '---\ntitle: About\n---\nAbout us\n',
  'content/pages/about/team.txt': 'a file beside\n',
};
