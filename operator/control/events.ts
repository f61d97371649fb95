/** What happens on streams, counted. Labels that peers choose are bounded by the codes that Weft knows. */
import type { Logger } from 'pino';
import { codes } from '../../core/errors/index.ts';
import type { OperatorMetrics } from '../metrics.ts';
import { TokenBucket, type Clock } from '../../kube/index.ts';
import type { PeerIdentity } from './admit.ts';

export interface StreamEvents {
  /** Streams of proxies that are open. */
  open(streams: number): void;
  received(type: string): void;
  sent(type: string, bytes: number): void;
  /** A proxy refused an update. */
  refused(code: string): void;
  asked(outcome: string, services: number): void;
  /** From a change to its acknowledgement. */
  propagated(seconds: number): void;
  /** The operator ended a stream, because of what came over it. */
  failed(code: string, peer: PeerIdentity, message: string): void;
  /** What another replica told could not be used, and was passed over. */
  skipped(code: string, message: string): void;
}

const known = (code: string): string => (Object.hasOwn(codes, code) ? code : 'OTHER');

/** Lines of the log that peers may cause. What is beyond it is counted by the metrics alone. */
const LOG_RATE = { burst: 20, perSecond: 1 };

export function countEvents(metrics: OperatorMetrics, log: Logger, clock: Clock): StreamEvents {
  const lines = new TokenBucket(LOG_RATE, clock);
  return {
    open: (streams) => metrics.streams.set(streams),
    received: (type) => metrics.streamMessages.inc({ type, direction: 'received' }),
    sent(type, bytes) {
      metrics.streamMessages.inc({ type, direction: 'sent' });
      metrics.streamSentBytes.inc(bytes);
    },
    refused: (code) => metrics.refusals.inc({ code: known(code) }),
    asked: (outcome, services) => metrics.asks.inc({ outcome }, services),
    propagated: (seconds) => metrics.propagationSeconds.observe(seconds),
    failed(code, peer, message) {
      metrics.streamErrors.inc({ code: known(code) });
      // a replica that starts has nothing to tell yet, and the lease moves; both are over in a moment
      if (!lines.tryTake()) return;
      const level = code === 'NOT_CONFIGURED' || code === 'NOT_LEADER' ? 'debug' : 'warn';
      log[level]({ code, ...peer, reason: message }, 'a stream was ended');
    },
    skipped(code, message) {
      metrics.streamErrors.inc({ code: known(code) });
      if (lines.tryTake())
        log.warn({ code, reason: message }, 'a message of another replica was passed over');
    },
  };
}
