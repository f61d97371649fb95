import { churn } from './churn.ts';
import { footprint } from './footprint.ts';
import { grpc } from './grpc.ts';
import { http2 } from './http2.ts';
import { latency } from './latency.ts';
import { mtls } from './mtls.ts';
import { plaintext } from './plaintext.ts';
import { tcp } from './tcp.ts';
import type { Scenario } from './scenario.ts';

/** In the order of a run. */
export const scenarios: readonly Scenario[] = [plaintext, mtls, latency, http2, grpc, tcp, churn, footprint];
