import { startApiServer } from './testing/apiServer.ts';
import { describeApiServer } from './testing/conformance.ts';

describeApiServer('the API server double', async () => {
  const server = await startApiServer();
  return { client: server.client(), close: () => server.close() };
});
