import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { createIntermediate } from './issue/index.ts';
import { privateKeyPem } from './request/index.ts';
import { oddCertificate, uriName } from './testing/odd.ts';
import { createTestMesh, testSource, type TestMesh } from './testing/pki.ts';
import { peerIdentity, type IdentityFiles } from './verify/index.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';
const WEB = 'spiffe://cluster.local/ns/shop/sa/web';

interface Outcome {
  /** Identity that each side saw of the other, or why it refused. */
  client: string;
  server: string;
}

const options = (files: IdentityFiles) =>
  ({
    cert: files['tls.crt'],
    key: files['tls.key'],
    ca: files['ca.crt'],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  }) as const;

const seen = (socket: TLSSocket): string => {
  const identity = peerIdentity(socket, 'cluster.local');
  if (identity.ok) return identity.value;
  const trusted = socket.authorized || !socket.getPeerX509Certificate();
  return trusted ? identity.error.message : String(socket.authorizationError);
};

/** One mutual handshake over loopback, as two proxies make it: no SNI, identities instead of host names. */
async function handshake(serverFiles: IdentityFiles, clientFiles: IdentityFiles): Promise<Outcome> {
  const server = createServer({
    ...options(serverFiles),
    requestCert: true,
    // Otherwise node closes the connection without saying why; peerIdentity refuses in its place.
    rejectUnauthorized: false,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const serverSide = new Promise<string>((resolve) => {
    server.once('secureConnection', (socket) => {
      resolve(seen(socket));
      socket.on('error', () => socket.destroy()).end();
    });
    server.once('tlsClientError', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const socket = connect({
    ...options(clientFiles),
    host: '127.0.0.1',
    port,
    checkServerIdentity: () => undefined,
  });
  const clientSide = new Promise<string>((resolve) => {
    socket.once('secureConnect', () => resolve(seen(socket)));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  const [client, serverSaw] = await Promise.all([clientSide, serverSide]);
  socket.destroy();
  server.close();
  return { client, server: serverSaw };
}

let mesh: TestMesh;
let cart: IdentityFiles;
beforeAll(async () => {
  mesh = await createTestMesh();
  cart = await mesh.workload('shop', 'cart');
});

describe('mutual TLS', () => {
  it('shows each side the identity of the other', async () => {
    expect(await handshake(cart, await mesh.workload('shop', 'web'))).toEqual({ client: CART, server: WEB });
  });

  it('works across a renewed intermediate, and across two roots while both are in the bundles', async () => {
    const renewed = await createIntermediate(testSource(), { trustDomain: 'cluster.local', root: mesh.root });
    const web = await mesh.issue({ spiffeId: WEB, issuer: renewed });
    expect(await handshake(cart, web)).toEqual({ client: CART, server: WEB });
    const next = await createTestMesh();
    const both = mesh.bundle + next.bundle;
    const moved = { ...(await next.workload('shop', 'web')), 'ca.crt': both };
    expect(await handshake({ ...cart, 'ca.crt': both }, moved)).toEqual({ client: CART, server: WEB });
  });

  it('refuses a leaf of another root, on both sides', async () => {
    const other = await createTestMesh();
    const stranger = { ...(await other.workload('shop', 'web')), 'ca.crt': mesh.bundle };
    expect((await handshake(cart, stranger)).server).toMatch(/^UNABLE_TO_GET_ISSUER_CERT/);
    expect((await handshake(stranger, cart)).client).toMatch(/^UNABLE_TO_GET_ISSUER_CERT/);
  });

  it('refuses an expired leaf', async () => {
    const { certificate, key } = await oddCertificate({
      issuer: mesh.intermediate,
      names: [uriName(WEB)],
      notAfter: new Date(Date.now() - 1_000),
    });
    const expired = {
      'tls.crt': String(certificate) + String(mesh.intermediate.certificate),
      'tls.key': privateKeyPem(key),
      'ca.crt': mesh.bundle,
    };
    expect((await handshake(cart, expired)).server).toBe('CERT_HAS_EXPIRED');
    expect((await handshake(expired, cart)).client).toBe('CERT_HAS_EXPIRED');
  });

  it('refuses a leaf that is good under an intermediate that is expired', async () => {
    const intermediate = await createIntermediate(testSource(new Date(Date.now() - 3_600_000)), {
      trustDomain: 'cluster.local',
      root: mesh.root,
      lifetimeMs: 60_000,
    });
    const { certificate, key } = await oddCertificate({ issuer: intermediate, names: [uriName(WEB)] });
    const files = {
      'tls.crt': String(certificate) + String(intermediate.certificate),
      'tls.key': privateKeyPem(key),
      'ca.crt': mesh.bundle,
    };
    expect((await handshake(cart, files)).server).toBe('CERT_HAS_EXPIRED');
  });

  it.each([
    ['another trust domain', 'spiffe://other.domain/ns/shop/sa/web'],
    ['a longer trust domain', 'spiffe://cluster.local.evil/ns/shop/sa/web'],
  ])('refuses %s by the constraints of the intermediate', async (_what, id) => {
    const stranger = await mesh.issue({ spiffeId: id });
    // node has no name for OpenSSL's "permitted subtree violation".
    expect((await handshake(cart, stranger)).server).toBe('UNSPECIFIED');
  });

  it('refuses a second name that OpenSSL would let pass', async () => {
    const { certificate, key } = await oddCertificate({
      issuer: mesh.intermediate,
      names: [uriName(WEB), uriName(CART)],
    });
    const files = {
      'tls.crt': String(certificate) + String(mesh.intermediate.certificate),
      'tls.key': privateKeyPem(key),
      'ca.crt': mesh.bundle,
    };
    expect((await handshake(cart, files)).server).toMatch(/has 2 names/);
  });

  it('refuses a client without a certificate', async () => {
    const nobody = { 'tls.crt': '', 'tls.key': '', 'ca.crt': mesh.bundle };
    expect((await handshake(cart, nobody)).server).toBe('the peer showed no certificate');
  });
});
