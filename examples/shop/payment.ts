/** Charges. Its health is asked by gRPC, on a port of its own. */
import { serveHealth } from './lib/grpcHealth.ts';
import { serve } from './lib/service.ts';
import { readSettings } from './lib/settings.ts';

const { host, grpcPort } = readSettings();
const health = serveHealth('payment', { host, port: grpcPort });
await health.listening;

let charges = 0;
serve(
  'payment',
  {
    'POST /charge': () => {
      charges += 1;
      return { body: { charged: true, charges } };
    },
    'GET /charges': () => ({ body: { charges } }),
  },
  [() => health.close()],
);
