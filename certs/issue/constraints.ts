import { ascii, context, element, tag } from '../der.ts';
import { extension, generalName } from '../verify/fields.ts';
import { x509 } from './x509.ts';

interface Subtrees {
  /** Tag and content of each GeneralName. */
  readonly permitted: readonly Uint8Array[];
  readonly excluded: readonly Uint8Array[];
}

const uri = (host: string): Uint8Array => element(context(generalName.uri), ascii(host));
const dns = (name: string): Uint8Array => element(context(generalName.dns), ascii(name));
const email = (host: string): Uint8Array => element(context(generalName.email), ascii(host));
/** Every address: a network and mask of zeros. */
const everyAddress = [
  element(context(generalName.ip), new Uint8Array(8)),
  element(context(generalName.ip), new Uint8Array(32)),
];

/**
 * Mail is excluded twice. An empty excluded name means every address to most verifiers, but OpenSSL compares it as a
 * host and excludes nothing; permitting only a host that cannot exist (RFC 2606) closes that.
 */
const noMail = { permitted: [email('mail.invalid')], excluded: [email('')] };

/** For what may issue identities: URIs of the trust domain, and no DNS, IP or mail name at all. */
export const identityConstraints = (trustDomain: string): x509.Extension =>
  constraints({
    permitted: [uri(trustDomain), ...noMail.permitted],
    excluded: [dns(''), ...everyAddress, ...noMail.excluded],
  });

/** For what may issue the webhook's certificate: these DNS names and what is below them, and no address or mail name. */
export const servingConstraints = (dnsNames: readonly string[]): x509.Extension =>
  constraints({
    permitted: [...dnsNames.map(dns), uri('uri.invalid'), ...noMail.permitted],
    excluded: [...everyAddress, uri(''), ...noMail.excluded],
  });

/** NameConstraints (RFC 5280, section 4.2.1.10), always critical. */
function constraints({ permitted, excluded }: Subtrees): x509.Extension {
  const subtrees = (number: number, names: readonly Uint8Array[]): Uint8Array =>
    element(context(number, true), ...names.map((name) => element(tag.sequence, name)));
  const value = element(tag.sequence, subtrees(0, permitted), subtrees(1, excluded));
  return new x509.Extension(extension.nameConstraints, true, Uint8Array.from(value));
}
