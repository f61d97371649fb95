/** On the leader: what another replica tells of the proxies that are connected to it. */
import { parseForwardMessage, type ForwardMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import type { StreamEvents } from './events.ts';
import type { ReportRegistry } from './reports.ts';
import type { ConfigSource } from './types.ts';

export interface ForwardedContext {
  readonly reports: ReportRegistry;
  readonly source: ConfigSource;
  readonly events: Pick<StreamEvents, 'skipped'>;
}

export class ForwardedReports {
  readonly #context: ForwardedContext;

  constructor(context: ForwardedContext) {
    this.#context = context;
  }

  /** One line that cannot be used is passed over: after another attempt it would come again, and hold up all others. */
  take(line: string): void {
    let message: ForwardMessage;
    try {
      message = parseForwardMessage(line);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      this.#context.events.skipped(error.code, error.message);
      return;
    }
    this.#take(message);
  }

  #take(message: ForwardMessage): void {
    const { reports, source } = this.#context;
    switch (message.type) {
      case 'report':
        reports.accept(message.report, this, message.responsive);
        break;
      case 'position': {
        const { type: _type, uid, responsive, ...position } = message;
        reports.moved(uid, this, position);
        reports.responsive(uid, this, responsive);
        break;
      }
      case 'gone':
        reports.gone(message.uid, this);
        break;
      case 'used':
        source.remember(message.workload, message.services);
    }
  }

  end(): void {
    this.#context.reports.disconnected(this);
  }
}
