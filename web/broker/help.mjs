// A page of help that belongs to no sign-in.
import { Page } from './pages.mjs';

const page = new Page(document);
const back = window.opener && !window.opener.closed ? () => window.close() : undefined;
page.show('help', { back });
