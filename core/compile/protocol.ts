/** What a Service says of the protocol of a port. */
import type { ServicePortModel } from '../model/index.ts';
import type { Protocol } from '../proxyConfig/index.ts';

/** `appProtocol`: names of IANA and of Kubernetes (KEP-3726), and those that are in wide use. */
const APP_PROTOCOLS: Readonly<Record<string, Protocol>> = {
  http: 'Http',
  'http/1.1': 'Http',
  ws: 'Http',
  'kubernetes.io/ws': 'Http',
  'grpc-web': 'Http',
  'kubernetes.io/h2c': 'Http2',
  h2c: 'Http2',
  http2: 'Http2',
  grpc: 'Grpc',
  https: 'Tls',
  tls: 'Tls',
  ssl: 'Tls',
  wss: 'Tls',
  'kubernetes.io/wss': 'Tls',
  tcp: 'Tcp',
  mysql: 'Tcp',
  redis: 'Tcp',
  mongo: 'Tcp',
  mongodb: 'Tcp',
  postgres: 'Tcp',
  postgresql: 'Tcp',
  kafka: 'Tcp',
  amqp: 'Tcp',
  mqtt: 'Tcp',
  nats: 'Tcp',
  smtp: 'Tcp',
  imap: 'Tcp',
  ftp: 'Tcp',
  ssh: 'Tcp',
  ldap: 'Tcp',
  cassandra: 'Tcp',
  memcached: 'Tcp',
  zookeeper: 'Tcp',
};

/** Port names: the whole name, or what stands before a `-`; longer prefixes first. */
const NAME_PREFIXES: readonly (readonly [string, Protocol])[] = [
  ['grpc-web', 'Http'],
  ['http2', 'Http2'],
  ['h2c', 'Http2'],
  ['https', 'Tls'],
  ['http', 'Http'],
  ['grpc', 'Grpc'],
  ['tls', 'Tls'],
  ['tcp', 'Tcp'],
  ['mongo', 'Tcp'],
  ['redis', 'Tcp'],
  ['mysql', 'Tcp'],
];

/** The declared protocol: by appProtocol, else by the port's name, else `Auto`: the proxy sniffs. */
export function protocolOf({ appProtocol, name }: Pick<ServicePortModel, 'appProtocol' | 'name'>): Protocol {
  const declared = appProtocol === undefined ? undefined : APP_PROTOCOLS[appProtocol.toLowerCase()];
  if (declared) return declared;
  const byName = NAME_PREFIXES.find(([prefix]) => name === prefix || name?.startsWith(`${prefix}-`));
  return byName?.[1] ?? 'Auto';
}
