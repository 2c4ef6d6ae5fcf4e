// The whole story with the last Netlify CMS, 2.10.192, and its own "proxy" backend.
import { stockStory } from '../browser/lib/stock.mjs';

stockStory('netlify-cms');
