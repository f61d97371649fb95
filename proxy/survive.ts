import type { Log } from './context.ts';
import { gaugeFamily } from './telemetry/exposition.ts';
import type { ProxyTelemetry } from './telemetry/index.ts';

/** What is wrong in one connection must not end the others of this thread; it is told and counted. */
export function surviveErrors(log: Log, telemetry: ProxyTelemetry): void {
  let count = 0;
  const onError = (error: unknown) => {
    count += 1;
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    log.error({ error: message, stack }, 'uncaught error: a bug of the proxy');
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  telemetry.register(
    gaugeFamily({
      name: 'weft_uncaught_errors_total',
      help: 'Errors that no part caught: bugs of the proxy.',
      type: 'counter',
      read: () => [['', count]],
    }),
  );
}
