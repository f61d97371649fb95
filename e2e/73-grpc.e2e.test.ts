/** gRPC through two proxies: its own interoperability tests, balancing per call, and a refusal that gRPC understands. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespaces } from './support/environment.ts';
import { kubectl, livingPods } from './support/kubectl.ts';
import { applyPolicy } from './support/policies.ts';
import {
  declarations,
  inClient,
  port,
  provideProtocols,
  removeServers,
  server,
  tryInClient,
} from './support/protocols.ts';

const { protocols: namespace } = namespaces;

/**
 * Cases of google.golang.org/grpc/interop/client that need nothing of a cloud. Without pick_first_unary: it asks for the
 * name of the server, which the server of this language does not tell.
 */
const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
  'orca_per_rpc',
  'orca_oob',
  'rpc_soak',
  'channel_soak',
];

/** The cases of load reports need a balancer that reads them. */
const ORCA = '--service_config_json={"loadBalancingConfig":[{"test_backend_metrics_load_balancer":{}}]}';

interface Calls {
  servers: Record<string, number>;
  failures: Record<string, number>;
  connections: number;
}

const nameOf = (declaration: string) => `grpc-${declaration.toLowerCase()}`;
const MESHED = 'grpc-many';

beforeAll(async () => {
  await provideProtocols(
    ...declarations.map((declaration) =>
      server(nameOf(declaration), {
        containers: {
          plain: ['server', '--port=8080'],
          tls: [
            'server',
            '--port=8443',
            '--use_tls',
            '--tls_cert_file=/tls/tls.crt',
            '--tls_key_file=/tls/tls.key',
          ],
        },
        ports: [
          port(8080, 'grpc', declaration),
          port(8443, declaration === 'portName' ? 'tls' : 'https', declaration),
        ],
      }),
    ),
    server(MESHED, {
      replicas: 3,
      containers: { calls: ['calls', 'serve', '8080'] },
      ports: [port(8080, 'grpc', 'appProtocol')],
    }),
  );
});

afterAll(async () => {
  await kubectl(['delete', 'meshpolicy', MESHED, '-n', namespace, '--ignore-not-found']);
  await removeServers(...declarations.map(nameOf), MESHED);
});

describe.each(declarations)('interoperability, port: %s', (declaration) => {
  const at = (port: number) => [`--server_host=${nameOf(declaration)}`, `--server_port=${port}`];

  it.each(CASES)('%s', async (name) => {
    const flags = name.startsWith('orca') ? [ORCA] : [];
    const { code, stderr } = await tryInClient(['client', ...at(8080), ...flags, `--test_case=${name}`], 40);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  });

  it.each(['large_unary', 'ping_pong'])("%s in the application's own TLS", async (name) => {
    const tls = [
      '--use_tls',
      '--use_test_ca',
      '--ca_file=/tls/tls.crt',
      '--server_host_override=own.example',
    ];
    const { code, stderr } = await tryInClient(['client', ...at(8443), ...tls, `--test_case=${name}`], 40);
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('a service of three pods', () => {
  const target = `${MESHED}:8080`;
  const calls = async (...command: string[]): Promise<Calls> =>
    JSON.parse(await inClient(['calls', ...command])) as Calls;

  it('each pod gets its share of the calls of one connection', async () => {
    const pods = (await livingPods(namespace, `app=${MESHED}`)).map(({ metadata }) => metadata.name);
    const { servers, failures, connections } = await calls('unary', target, '600');
    expect({ failures, connections }).toEqual({ failures: {}, connections: 1 });
    expect(Object.keys(servers).toSorted()).toEqual(pods.toSorted());
    expect(Math.min(...Object.values(servers))).toBeGreaterThan(60);
  });

  it('a refusal by policy is PERMISSION_DENIED with its reason, and of that method alone', async () => {
    const rule = {
      name: 'no-empty-calls',
      action: 'Deny',
      to: [{ paths: ['/grpc.testing.TestService/EmptyCall'] }],
    };
    await applyPolicy(
      MESHED,
      { selector: { matchLabels: { app: MESHED } }, authorization: { rules: [rule] } },
      namespace,
    );
    const { failures } = await calls('empty', target);
    const [failure = ''] = Object.keys(failures);
    expect(failure).toMatch(/^PermissionDenied: .*AUTHORIZATION_DENIED/);
    const allowed = await calls('unary', target, '20');
    expect(allowed.failures).toEqual({});
  });
});
