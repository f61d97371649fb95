import { Type, type Static } from 'typebox';
import { DirectoryService, OutsideService, ResourceVersion, Service } from '../proxyConfig/schema.ts';
import { CONTROL_VERSION, MAX_ASKED, MAX_USED } from './protocol.ts';

const Obj = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const Text = Type.String({ minLength: 1, maxLength: 1024 });
const Time = Type.String({ minLength: 1, maxLength: 40 });
const PartHash = Type.String({ minLength: 1, maxLength: 128 });
const Revision = Type.String({ pattern: '^[0-9]{1,24}$' });
const Epoch = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
/** `namespace/name`. */
const ServiceKey = Type.String({ minLength: 3, maxLength: 320, pattern: '^[^/]+/[^/]+$' });

/** Orders a document. */
const position = { epoch: Epoch, revision: Revision, hash: PartHash };
/** Why a document was refused. `hash` names it, where it is known. */
const refusal = {
  code: Text,
  field: Type.Optional(Type.String({ maxLength: 1024 })),
  message: Type.String({ maxLength: 4096 }),
  since: Time,
};

/** What a proxy has in force, and what it refused. */
export const Report = Obj({
  version: Type.Enum([CONTROL_VERSION]),
  pod: Obj({ namespace: Text, name: Text, uid: Text }),
  workload: Obj({ kind: Text, name: Text }),
  proxyVersion: Text,
  /** The document in force; absent before the first. */
  inForce: Type.Optional(
    Obj({
      ...position,
      /** RFC 3339. */
      since: Time,
      resources: Type.Record(Type.String({ maxLength: 600 }), ResourceVersion, { maxProperties: 2000 }),
    }),
  ),
  /** The newest document that was refused, while it is newer than the one in force. */
  refused: Type.Optional(Obj(refusal)),
  certificate: Type.Optional(Obj({ serial: Text, notAfter: Time })),
});
export type Report = Static<typeof Report>;

/**
 * The first message of a proxy, and again whenever what it has came otherwise than by this stream (a file) or its
 * certificate is another one: the operator forgets what it knew of the proxy and goes by this.
 */
export const StateMessage = Obj({
  type: Type.Enum(['state']),
  report: Report,
  /** Hashes of what it has; the operator sends what differs. */
  has: Obj({
    parts: Type.Record(Type.String({ maxLength: 64 }), PartHash, { maxProperties: 16 }),
    services: Type.Record(ServiceKey, PartHash, { maxProperties: 10_000 }),
    /** Of its directory; absent where it has none. */
    directory: Type.Optional(PartHash),
  }),
  /** Services of other namespaces that its application has called. */
  used: Type.Array(ServiceKey, { maxItems: MAX_USED }),
});
export type StateMessage = Static<typeof StateMessage>;

/** An update is in force: the answer to it, always, so that the operator sends the next one. */
export const AckMessage = Obj({ type: Type.Enum(['ack']), ...position, since: Time });
export type AckMessage = Static<typeof AckMessage>;

/** An update was refused whole: the answer to it. What was in force stays. */
export const RefusalMessage = Obj({ type: Type.Enum(['refusal']), ...position, ...refusal });
export type RefusalMessage = Static<typeof RefusalMessage>;

/** The application calls services that the document does not hold. Answered by an update, or an AbsentMessage. */
export const AskMessage = Obj({
  type: Type.Enum(['ask']),
  services: Type.Array(ServiceKey, { minItems: 1, maxItems: MAX_ASKED }),
});
export type AskMessage = Static<typeof AskMessage>;

export type ProxyMessage = StateMessage | AckMessage | RefusalMessage | AskMessage;

/**
 * What of a document is other than what the proxy has. Applied whole or not at all; the hash is that of the document
 * that results. Answered by an AckMessage or a RefusalMessage.
 */
export const UpdateMessage = Obj({
  type: Type.Enum(['update']),
  ...position,
  /** It is all of the document: what the proxy has else is not part of it. */
  whole: Type.Optional(Type.Literal(true)),
  /** Changed parts by their name (core/proxyConfig/parts.ts), as values. */
  parts: Type.Record(Type.String(), Type.Unknown()),
  services: Type.Array(Service),
  /** Services that the document has no more. */
  removed: Type.Array(ServiceKey),
});
export type UpdateMessage = Static<typeof UpdateMessage>;

/** The same of the directory. Not answered: a proxy that cannot apply it says so by a StateMessage without directory. */
export const DirectoryMessage = Obj({
  type: Type.Enum(['directory']),
  ...position,
  /** Hash of the directory that it changes; absent: it is whole. */
  base: Type.Optional(PartHash),
  services: Type.Array(DirectoryService),
  removed: Type.Array(ServiceKey),
  /** Absent where the directory lists none. */
  outside: Type.Optional(Obj({ services: Type.Array(OutsideService), removed: Type.Array(ServiceKey) })),
});
export type DirectoryMessage = Static<typeof DirectoryMessage>;

/** Services that were asked for and do not come. Not to be asked for again for a while. */
export const AbsentMessage = Obj({
  type: Type.Enum(['absent']),
  /** Code of the reason: SERVICE_UNKNOWN, SERVICE_HIDDEN, ASK_LIMIT. */
  services: Type.Record(ServiceKey, Text),
});
export type AbsentMessage = Static<typeof AbsentMessage>;

/** The last message before the operator ends the stream. */
export const ErrorMessage = Obj({
  type: Type.Enum(['error']),
  code: Text,
  message: Type.String({ maxLength: 4096 }),
});
export type ErrorMessage = Static<typeof ErrorMessage>;

export type OperatorMessage = UpdateMessage | DirectoryMessage | AbsentMessage | ErrorMessage;

/** What a replica tells the leader of the proxies that are connected to it: of each pod only the newest. */
export const ForwardMessage = Type.Union([
  Obj({ type: Type.Enum(['report']), report: Report, responsive: Type.Boolean() }),
  /** As the report before, with another document in force of the same mesh resources. */
  Obj({ type: Type.Enum(['position']), uid: Text, ...position, since: Time, responsive: Type.Boolean() }),
  /** The stream of this pod's proxy has ended. */
  Obj({ type: Type.Enum(['gone']), uid: Text }),
  /** `workload`: workloadKey. */
  Obj({
    type: Type.Enum(['used']),
    workload: Text,
    services: Type.Array(ServiceKey, { maxItems: MAX_USED }),
  }),
]);
export type ForwardMessage = Static<typeof ForwardMessage>;
