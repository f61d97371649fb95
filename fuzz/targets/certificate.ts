import { X509Certificate } from 'node:crypto';
import { WeftError } from '../../core/errors/index.ts';
import { verifyChain } from '../../certs/verify/chain.ts';
import {
  alternativeNames,
  extension,
  extensionsOf,
  keyUsage,
  nameConstraints,
} from '../../certs/verify/fields.ts';
import { spiffeIdOf } from '../../certs/verify/identity.ts';
import { parseSpiffeId, workloadOf } from '../../certs/verify/spiffe.ts';
import type { Target } from '../engine/target.ts';
import { certificates } from './certificates.ts';
import { holds, same } from './check.ts';

const [leaf, intermediate, root] = certificates as [Buffer, Buffer, Buffer];
const authorities = [intermediate, root].map((der) => new X509Certificate(der));

/** Runs a reader that may only refuse in the way it says: with a RangeError or a coded error. */
function refusable(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof WeftError)) throw error;
  }
}

function parsed(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

/** Certificates of peers: whatever their bytes, an identity is the one that OpenSSL reads as well, or there is none. */
export const target: Target = {
  name: 'certificate',
  maxBytes: 4096,
  seeds: [leaf, intermediate, root, 'spiffe://cluster.local/ns/shop/sa/cart'],
  dictionary: [
    '\x30', '\x30\x82\x01\x00', '\x06\x03\x55\x1d\x11', '\x06\x03\x55\x1d\x13', '\x06\x03\x55\x1d\x1e', '\x01\x01\xff', '\x86',
    '\x82', '\xa3', '\x80', '\x04\x00', 'spiffe://', '/ns/', '/sa/', '/../', '%2f', ', DNS:', '\0',
  ], // prettier-ignore
  run(data) {
    const identity = spiffeIdOf(new Uint8Array(data));
    refusable(() => {
      const extensions = extensionsOf(data);
      for (const [id, read] of [
        [extension.subjectAltName, alternativeNames],
        [extension.keyUsage, keyUsage],
        [extension.nameConstraints, nameConstraints],
      ] as const) {
        const found = extensions.get(id);
        if (found) refusable(() => read(found.value));
      }
    });
    const certificate = parsed(data);
    if (certificate) {
      if (identity.ok)
        same(certificate.subjectAltName, `URI:${identity.value}`, 'names as OpenSSL reads them');
      refusable(() =>
        verifyChain({
          chain: [certificate, authorities[0]!],
          roots: [authorities[1]!],
          now: new Date(0),
          field: 'f',
        }),
      );
      refusable(() =>
        verifyChain({
          chain: [certificate],
          roots: [certificate],
          now: certificate.validFromDate,
          field: 'f',
        }),
      );
    }
    checkId(data.toString('latin1'));
  },
};

function checkId(text: string): void {
  const id = parseSpiffeId(text);
  if (!id.ok) return;
  same(id.value.id, text, 'an identity has one spelling');
  same(`spiffe://${id.value.trustDomain}${id.value.path}`, text, 'parts of an identity');
  const path = /^(?:\/(?!\.\.?(?:\/|$))[0-9A-Za-z._-]+)*$/;
  const { trustDomain } = id.value;
  holds(path.test(id.value.path) && /^[0-9a-z._-]+$/.test(trustDomain), `identity ${JSON.stringify(text)}`);
  const workload = workloadOf(text);
  if (workload) same(`/ns/${workload.namespace}/sa/${workload.serviceAccount}`, id.value.path, 'workload');
}
