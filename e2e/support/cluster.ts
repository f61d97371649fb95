/** The API server by a client of our own, for what must be asked often and timed: kubectl starts anew for each question. */
import { connect, type KubeClient } from '../../kube/index.ts';

/** Of the cluster that KUBECONFIG names; whoever opens it closes it. */
export const openClient = (): Promise<KubeClient> => connect(process.env, { userAgent: 'weft-e2e' });
