/** What the shop sells. Version v2 knows prices; both ask inventory what is in stock. */
import { serve } from './lib/service.ts';

const products = [
  { name: 'heddle', price: 3.5 },
  { name: 'shuttle', price: 12 },
  { name: 'reed', price: 48 },
];

serve('catalog', {
  'GET /products': async ({ call, settings }) => {
    const inventory = await call('inventory', '/stock');
    const listed = settings.version === 'v1' ? products.map(({ name }) => ({ name })) : products;
    return { status: inventory.status === 200 ? 200 : 502, body: { products: listed, inventory } };
  },
});
