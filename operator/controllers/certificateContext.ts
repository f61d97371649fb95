import type { RandomBytes, Source } from '../../certs/issue/index.ts';
import { generateKey, type KeySource } from '../../certs/request/index.ts';
import type { Clock, KubeClient } from '../../kube/index.ts';

/** Where controllers say what they do; pino has it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What every controller of certificates is given. */
export interface CertificateContext {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** For serial numbers: `randomBytes` of node:crypto. */
  readonly randomBytes: RandomBytes;
  /** In [0, 1), for jitter of timers; default Math.random. */
  readonly random?: () => number;
  /** Default: keys of OpenSSL. */
  readonly generateKey?: KeySource;
}

/** Time, randomness and keys for one certificate. */
export const sourceOf = (context: Omit<CertificateContext, 'client' | 'log'>): Source => ({
  now: new Date(context.clock.now()),
  random: context.randomBytes,
  generateKey: context.generateKey ?? generateKey,
});

/** `ms`, give or take a fifth: so that replicas and keys that began together do not stay together. */
export const jittered = (ms: number, { random = Math.random }: Pick<CertificateContext, 'random'>): number =>
  ms * (0.8 + 0.4 * random());

/** Milliseconds from now until `time`, no less than `leastMs`. */
export const until = (time: Date, { clock }: Pick<CertificateContext, 'clock'>, leastMs = 0): number =>
  Math.max(leastMs, time.getTime() - clock.now());
