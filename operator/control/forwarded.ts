/** On the leader: what another replica tells of the proxies that are connected to it. */
import { parseForwardMessage, type ForwardMessage } from '../../core/control/index.ts';
import type { ReportRegistry } from './reports.ts';
import type { ConfigSource } from './types.ts';

export class ForwardedReports {
  readonly #context: { readonly reports: ReportRegistry; readonly source: ConfigSource };

  constructor(context: { reports: ReportRegistry; source: ConfigSource }) {
    this.#context = context;
  }

  /** Throws WeftError where the line is no such message. */
  take(line: string): void {
    const { reports, source } = this.#context;
    const message: ForwardMessage = parseForwardMessage(line);
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
