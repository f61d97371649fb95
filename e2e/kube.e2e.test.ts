/** The same checks that the double of the API server passes, on the real one that KUBECONFIG names. */
import { connect } from '../kube/index.ts';
import { describeApiServer } from '../kube/testing/conformance.ts';

describeApiServer('the API server of the cluster', async () => {
  const client = await connect(process.env, { userAgent: 'weft-e2e' });
  return { client, close: () => Promise.resolve(client.close()) };
});
