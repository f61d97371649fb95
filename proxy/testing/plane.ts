/** What the data path needs of the rest of a proxy, made by hand: state that a test sets, and telemetry that it reads. */
import { compileAuthorizer } from '../../core/evaluate/index.ts';
import type { Code } from '../../core/errors/index.ts';
import type {
  Directory,
  InboundPolicy,
  ProxyConfig,
  Section,
  Service,
  Wire,
} from '../../core/proxyConfig/index.ts';
import type { ConfigState, DataPlane, Demand, DocumentHead, IdentityState } from '../context.ts';
import { LiveValue } from '../config/live.ts';
import { LiveDestinations } from '../outbound/destinations.ts';
import { compact } from '../outbound/directory.ts';
import { withChanges } from '../outbound/ordered.ts';
import { until } from './sockets.ts';
import type {
  ConnectionEnd,
  ExchangeEnd,
  Load,
  LogFields,
  SeriesKey,
  Telemetry,
  Verdict,
} from '../telemetry/types.ts';

/** One finished exchange or connection, with what the access log would say of it. */
export interface Finished {
  key: SeriesKey;
  exchange?: ExchangeEnd;
  connection?: ConnectionEnd;
  method: string | undefined;
  path: string | undefined;
  upstream: string | undefined;
  requestId: string | undefined;
  verdict: Verdict | undefined;
  detail: string | undefined;
  protocol: string | undefined;
  wire: Wire | undefined;
  serverName: string | undefined;
}

const noLoad = (): Load => ({
  pending: 0,
  bufferedBytes: 0,
  heldBytes: 0,
  acceptedStreams: 0,
  openedStreams: 0,
});

export class RecordedTelemetry implements Telemetry {
  readonly finished: Finished[] = [];
  /** Exchanges without a line in the access log. */
  readonly counted: ExchangeEnd[] = [];
  readonly verdicts: Verdict[] = [];
  readonly retries: Code[] = [];
  readonly handshakeFailures: Code[] = [];
  /** `direction by code` of each. */
  readonly http2Errors: string[] = [];
  readonly boundsReached: string[] = [];
  readonly load = { inbound: noLoad(), outbound: noLoad() };
  open = 0;

  series(key: SeriesKey) {
    // the fields of a line are getters of what it is about, and read when it ends
    const of = ({
      method,
      path,
      upstream,
      requestId,
      verdict,
      detail,
      protocol,
      wire,
      serverName,
    }: LogFields) => ({
      key,
      method,
      path,
      upstream,
      requestId,
      verdict,
      detail,
      protocol,
      wire,
      serverName,
    });
    return {
      exchange: (exchange: ExchangeEnd, log: LogFields | undefined) => {
        if (log) this.finished.push({ ...of(log), exchange });
        else this.counted.push(exchange);
      },
      connection: (connection: ConnectionEnd, log: LogFields) =>
        void this.finished.push({ ...of(log), connection }),
    };
  }
  /** What is said of the exchange with this path, which may end after its client has read the answer. */
  async told(path: string): Promise<ExchangeEnd> {
    const ended = () => this.finished.find((one) => one.path === path)?.exchange;
    await until(() => ended() !== undefined, `the end of ${path}`);
    return ended()!;
  }
  verdict(verdict: Verdict): void {
    this.verdicts.push(verdict);
  }
  connectionOpened(): void {
    this.open++;
  }
  connectionClosed(): void {
    this.open--;
  }
  handshakeFailed(_direction: string, reason: Code): void {
    this.handshakeFailures.push(reason);
  }
  retry(_service: string, reason: Code): void {
    this.retries.push(reason);
  }
  http2Error(direction: string, code: number, by: string): void {
    this.http2Errors.push(`${direction} ${by} ${code}`);
  }
  boundReached(bound: string): void {
    this.boundsReached.push(bound);
  }
}

export interface ConfigParts {
  inbound?: {
    mtls?: Partial<InboundPolicy['mtls']>;
    authorization?: Partial<InboundPolicy['authorization']>;
  };
  protocols?: Section['protocols'];
  services?: Service[];
  directory?: Directory['services'];
  /** Of the directory: the services outside the mesh. */
  outside?: NonNullable<Directory['outside']>;
  settings?: Partial<ProxyConfig['settings']>;
}

const head = { version: 'weft.dev/proxy/v1', epoch: 1, revision: '1', hash: 'h' } as const;

/** A configuration in force, permissive where `parts` does not say otherwise. */
export function configState(parts: ConfigParts = {}): ConfigState {
  const section: Section = {
    labels: {},
    inbound: {
      mtls: { mode: 'Permissive', ports: {}, ...parts.inbound?.mtls },
      authorization: { default: 'Allow', policies: [], rules: [], ...parts.inbound?.authorization },
    },
    protocols: parts.protocols ?? {},
  };
  const document: DocumentHead = {
    ...head,
    workload: { kind: 'deployment', namespace: 'shop', name: 'test' },
    resources: {},
    trust: { trustDomain: 'cluster.local' },
    telemetry: { accessLog: 'Off' },
    settings: {
      logLevel: 'Info',
      connectTimeoutMs: 5000,
      idleTimeoutMs: 60_000,
      drainMs: 0,
      ...parts.settings,
    },
    sections: [section],
  };
  const { outside } = parts;
  const listed = parts.directory ?? (outside && []);
  const directory =
    listed && compact({ ...head, services: listed, ...(outside ? { outside } : {}) }, () => '');
  const pairs = parts.services?.map((service) => [`${service.namespace}/${service.name}`, service] as const);
  const services = withChanges(new Map<string, Service>(), pairs ?? []);
  const destinations = new LiveDestinations();
  destinations.become({ settings: document.settings, services, directory });
  return { document, section, services, directory, authorizer: compileAuthorizer(section), destinations };
}

export class TestDrain {
  draining = false;
  private readonly listeners: (() => void)[] = [];
  onDrain(listener: () => void): void {
    this.listeners.push(listener);
  }
  begin(): void {
    this.draining = true;
    for (const listener of this.listeners) listener();
  }
}

export interface TestPlane extends DataPlane {
  readonly config: LiveValue<ConfigState>;
  readonly identity: LiveValue<IdentityState>;
  readonly telemetry: RecordedTelemetry;
  readonly drain: TestDrain;
  readonly lines: string[];
  demand: Demand | undefined;
}

export function testPlane(): TestPlane {
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message);
  return {
    config: new LiveValue<ConfigState>(),
    identity: new LiveValue<IdentityState>(),
    telemetry: new RecordedTelemetry(),
    drain: new TestDrain(),
    log: { debug: line, info: line, warn: line, error: line },
    lines,
    demand: undefined,
  };
}
