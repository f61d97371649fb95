import type { IncomingMessage, ServerResponse } from 'node:http';

/** Which requests a fault concerns; what is absent matches all. */
export interface FaultMatch {
  method?: string;
  /** In the path, without its query. */
  path?: string | RegExp;
  /** Only watches, or only what is no watch. */
  watch?: boolean;
  /** Only requests with this bearer token, as `server.client({ token })` sends it: one client of several. */
  token?: string;
  /** How many requests it hits; default 1. */
  times?: number;
}

export interface Fault {
  /** Requests it has hit. */
  readonly hits: number;
  remove(): void;
}

export interface RespondFault extends FaultMatch {
  status: number;
  reason?: string;
  message?: string;
  /** Seconds. */
  retryAfter?: number;
  /** Sent as it is, in place of a Status. */
  body?: string;
}

type Step = 'before' | 'after';
type Act = (response: ServerResponse) => Promise<boolean> | boolean;

interface Rule extends FaultMatch {
  step: Step;
  act: Act;
  hits: number;
}

/** Things that go wrong between a client and the API server, in the order in which they were asked for. */
export class Faults {
  #rules: Rule[] = [];

  /** Answers with a Status of failure (429, 500, 410, 403…) and does not do what was asked. */
  respond(fault: RespondFault): Fault {
    const { status, reason, message = 'injected', retryAfter, body } = fault;
    return this.#add(fault, 'before', (response) => {
      const headers: Record<string, string> = {
        'content-type': body === undefined ? 'application/json' : 'text/plain',
      };
      if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter);
      response.writeHead(status, headers);
      const failure = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status };
      response.end(body ?? JSON.stringify(failure));
      return true;
    });
  }

  /** Waits before doing it. */
  delay(fault: FaultMatch & { ms: number }): Fault {
    return this.#add(
      fault,
      'before',
      () => new Promise((resolve) => setTimeout(() => resolve(false), fault.ms)),
    );
  }

  /** Breaks the connection; with `afterwards` the request was carried out and only the answer is lost. */
  drop(fault: FaultMatch & { afterwards?: boolean } = {}): Fault {
    return this.#add(fault, fault.afterwards ? 'after' : 'before', (response) => {
      response.socket?.destroy();
      return true;
    });
  }

  /** Never answers. */
  hang(fault: FaultMatch = {}): Fault {
    return this.#add(fault, 'before', () => true);
  }

  clear(): void {
    this.#rules = [];
  }

  /** True where a fault has taken the request over. */
  async meet(request: IncomingMessage, response: ServerResponse, step: Step): Promise<boolean> {
    const url = new URL(request.url ?? '/', 'http://double');
    const watch = url.searchParams.has('watch');
    const rule = this.#rules.find(
      (candidate) =>
        candidate.step === step &&
        (candidate.method === undefined || candidate.method === request.method) &&
        (candidate.watch === undefined || candidate.watch === watch) &&
        (candidate.token === undefined || request.headers.authorization === `Bearer ${candidate.token}`) &&
        pathMatches(candidate.path, url.pathname),
    );
    if (!rule) return false;
    rule.hits += 1;
    if (rule.hits >= (rule.times ?? 1)) this.#remove(rule);
    return rule.act(response);
  }

  #add(match: FaultMatch, step: Step, act: Act): Fault {
    const rule: Rule = { ...match, step, act, hits: 0 };
    this.#rules.push(rule);
    return Object.defineProperties({} as Fault, {
      hits: { get: () => rule.hits },
      remove: { value: () => this.#remove(rule) },
    });
  }

  #remove(rule: Rule): void {
    this.#rules = this.#rules.filter((other) => other !== rule);
  }
}

function pathMatches(wanted: string | RegExp | undefined, path: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? path.includes(wanted) : wanted.test(path);
}
