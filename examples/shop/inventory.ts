/** What is in stock. Its probe is a plain TCP connect. */
import { serve } from './lib/service.ts';

serve('inventory', {
  'GET /stock': () => ({ body: { stock: { heddle: 120, shuttle: 14, reed: 3 } } }),
});
