// The whole story with decap-cms 3.16.3 and its own "proxy" backend.
import { stockStory } from './lib/stock.mjs';

stockStory('decap-cms');
