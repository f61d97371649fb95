/** A connection of the application that is carried as bytes, with where it leads. */
import type { ConfigState, Live } from '../context.ts';
import { TcpSession, type TcpOptions } from '../wire/tcpSession.ts';
import type { Find } from './find.ts';
import { leave, type Route, type Routes } from './routes.ts';

/** Of one connection, by the configuration in force at its last attempt. */
export class SessionRoute {
  current: Route | undefined;
  private readonly config: Live<ConfigState>;
  private readonly find: Find;
  private readonly routes: Routes;
  private known: ConfigState | undefined;

  constructor(config: Live<ConfigState>, find: Find, routes: Routes) {
    this.config = config;
    this.find = find;
    this.routes = routes;
    this.renew();
  }

  renew(): Route | undefined {
    const config = this.config.current;
    if (config === undefined || config === this.known) return this.current;
    this.known = config;
    const destination = this.find(config);
    const isOutside = destination.kind === 'outside';
    // what was opened to the outside for this client stays its own
    if (isOutside && this.isOutside) return this.current;
    leave(this.current);
    return (this.current = isOutside ? this.routes.private(destination) : this.routes.to(destination));
  }

  /** It leads outside, where `config` knows better. What is reached in plain text anyway may stay. */
  isMeshedIn(config: ConfigState): boolean {
    if (!this.isOutside) return false;
    const { kind, ready, terminating } = this.find(config);
    if (kind === 'outside' || kind === 'blocked') return false;
    const targets = [...ready, ...terminating];
    return targets.length === 0 || targets.some(({ identities }) => identities !== undefined);
  }

  private get isOutside(): boolean {
    return this.current?.destination.kind === 'outside';
  }
}

/** Knows its route, so that HTTP goes on with the connection that was opened for it. */
export class Session extends TcpSession {
  readonly route: SessionRoute;

  constructor(route: SessionRoute, options: TcpOptions) {
    super(options);
    this.route = route;
  }

  override yield(): Route | undefined {
    super.yield();
    return this.route.current;
  }
}
