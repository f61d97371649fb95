/** What a customer is about to buy; paying for it is payment's work. */
import { serve } from './lib/service.ts';

const items = [
  { product: 'heddle', amount: 2 },
  { product: 'shuttle', amount: 1 },
];

serve('cart', {
  'GET /cart': () => ({ body: { items } }),
  'POST /checkout': async ({ call }) => {
    const payment = await call('payment', '/charge', { method: 'POST', body: JSON.stringify({ items }) });
    return { status: payment.status === 200 ? 200 : 502, body: { payment } };
  },
});
