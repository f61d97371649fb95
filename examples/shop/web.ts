/** The shop's front: shows the catalog beside the cart, and checks out. */
import { serve } from './lib/service.ts';

serve('web', {
  'GET /': async ({ call }) => {
    const [catalog, cart] = await Promise.all([call('catalog', '/products'), call('cart', '/cart')]);
    const ok = catalog.status === 200 && cart.status === 200;
    return { status: ok ? 200 : 502, body: { catalog, cart } };
  },
  'POST /checkout': async ({ call, body }) => {
    const cart = await call('cart', '/checkout', { method: 'POST', body });
    return { status: cart.status === 200 ? 200 : 502, body: { cart } };
  },
});
