import { Type, type Static } from 'typebox';
import { ResourceVersion } from '../proxyConfig/schema.ts';
import { CONTROL_VERSION } from './protocol.ts';

const Obj = <P extends Parameters<typeof Type.Object>[0]>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
const Text = Type.String({ minLength: 1, maxLength: 1024 });
const Time = Type.String({ minLength: 1, maxLength: 40 });

/** What a proxy has in force, and what it refused. Sent on every change, and again after a reconnect. */
export const Report = Obj({
  version: Type.Enum([CONTROL_VERSION]),
  pod: Obj({ namespace: Text, name: Text, uid: Text }),
  workload: Obj({ kind: Text, name: Text }),
  proxyVersion: Text,
  /** The document in force; absent before the first. */
  inForce: Type.Optional(
    Obj({
      epoch: Type.Integer({ minimum: 1 }),
      revision: Text,
      hash: Text,
      /** RFC 3339. */
      since: Time,
      resources: Type.Record(Type.String({ maxLength: 600 }), ResourceVersion, { maxProperties: 2000 }),
    }),
  ),
  /** The newest document that was refused, while it is newer than the one in force. */
  refused: Type.Optional(
    Obj({
      code: Text,
      field: Type.Optional(Type.String({ maxLength: 1024 })),
      message: Type.String({ maxLength: 4096 }),
      since: Time,
    }),
  ),
  certificate: Type.Optional(Obj({ serial: Text, notAfter: Time })),
});
export type Report = Static<typeof Report>;
