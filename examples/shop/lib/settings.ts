/** What a service of the shop reads from its environment; every service reads it here and nowhere else. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Distinguishes releases of one service, such as catalog v1 and v2. */
  readonly version: string;
  readonly pod: string;
  /** Port of the gRPC health service; only payment has one. */
  readonly grpcPort: number;
  /** Base URL of another service. Without a variable such as `CATALOG_URL` it is the plain name and port. */
  upstream(service: string): string;
}

const DEFAULT_PORT = 8080;
const DEFAULT_GRPC_PORT = 9090;

function portOf(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${name} must be a port number, not ${JSON.stringify(text)}`);
  }
  return port;
}

export function readSettings(): Settings {
  return {
    host: process.env['HOST'] ?? '::',
    port: portOf('PORT', DEFAULT_PORT),
    grpcPort: portOf('GRPC_PORT', DEFAULT_GRPC_PORT),
    version: process.env['VERSION'] ?? 'v1',
    pod: process.env['POD_NAME'] ?? process.env['HOSTNAME'] ?? '',
    upstream: (service) => process.env[`${service.toUpperCase()}_URL`] ?? `http://${service}:${DEFAULT_PORT}`,
  };
}
