import { expect, test } from 'vitest';
import { protocolOf } from './index.ts';

test.each([
  [{ appProtocol: 'http' }, 'Http'],
  [{ appProtocol: 'HTTP' }, 'Http'],
  [{ appProtocol: 'kubernetes.io/h2c' }, 'Http2'],
  [{ appProtocol: 'kubernetes.io/ws' }, 'Http'],
  [{ appProtocol: 'kubernetes.io/wss' }, 'Tls'],
  [{ appProtocol: 'grpc' }, 'Grpc'],
  [{ appProtocol: 'https' }, 'Tls'],
  [{ appProtocol: 'redis', name: 'http' }, 'Tcp'],
  [{ appProtocol: 'example.com/own', name: 'http-own' }, 'Http'],
  [{ appProtocol: 'example.com/own' }, 'Auto'],
  [{ name: 'http' }, 'Http'],
  [{ name: 'http-web' }, 'Http'],
  [{ name: 'http2-web' }, 'Http2'],
  [{ name: 'httpish' }, 'Auto'],
  [{ name: 'https-web' }, 'Tls'],
  [{ name: 'grpc-web' }, 'Http'],
  [{ name: 'grpc-web-x' }, 'Http'],
  [{ name: 'grpc-api' }, 'Grpc'],
  [{ name: 'tls' }, 'Tls'],
  [{ name: 'tcp-x' }, 'Tcp'],
  [{ name: 'mysql' }, 'Tcp'],
  [{ name: 'web' }, 'Auto'],
  [{}, 'Auto'],
])('%j is %s', (port, expected) => {
  expect(protocolOf(port)).toBe(expected);
});
