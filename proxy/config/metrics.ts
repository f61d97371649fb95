import { codes, type Code } from '../../core/errors/index.ts';
import { CounterFamily } from '../telemetry/counters.ts';
import { gaugeFamily, labelText, type Family } from '../telemetry/exposition.ts';
import type { ConfigStore } from './store.ts';
import type { Subject } from './status.ts';
import type { StreamClient } from './streamClient.ts';

const SUBJECTS: readonly Subject[] = ['config', 'directory', 'identity'];
const MAX_RESOURCES = 500;

const seconds = (date: Date) => Math.round(date.getTime() / 1000);

/** Metrics of what is in force and what was refused. */
export function configFamilies(store: ConfigStore): Family[] {
  const failures = new CounterFamily({
    name: 'weft_config_reload_failures_total',
    help: 'Documents and certificates that were refused; the last good one stayed.',
    labels: ['code'],
    limit: Object.keys(codes).length,
  });
  for (const code of ['DOCUMENT_INVALID', 'DOCUMENT_HASH_MISMATCH', 'IDENTITY_INVALID'] satisfies Code[])
    failures.get(code);
  store.onRefusals((refusal) => {
    if (refusal) failures.get(refusal.code).value += 1;
  });
  return [
    failures,
    gaugeFamily({
      name: 'weft_config_refused',
      help: '1 while the newest file of this subject is refused.',
      read: () =>
        SUBJECTS.map((subject) => [labelText({ subject }), store.refusal(subject) === undefined ? 0 : 1]),
    }),
    gaugeFamily({
      name: 'weft_config_generation',
      help: 'Generation of each mesh resource that is in force.',
      read: () =>
        Object.entries(store.config.current?.document.resources ?? {})
          .slice(0, MAX_RESOURCES)
          .map(([resource, { generation }]) => [labelText({ resource }), generation]),
    }),
    gaugeFamily({
      name: 'weft_config_revision',
      help: 'Revision of each document in force.',
      read: () => {
        const state = store.config.current;
        return [
          ...(state ? [['document="config"', Number(state.document.revision)] as const] : []),
          ...(state?.directory ? [['document="directory"', Number(state.directory.revision)] as const] : []),
        ];
      },
    }),
    gaugeFamily({
      name: 'weft_config_in_force_timestamp_seconds',
      help: 'When the configuration in force was taken, in Unix time.',
      read: () => (store.since ? [['', seconds(store.since)]] : []),
    }),
    gaugeFamily({
      name: 'weft_certificate_expiry_timestamp_seconds',
      help: 'When the certificate in use ends, in Unix time.',
      read: () => {
        const identity = store.identity.current;
        return identity ? [[labelText({ spiffe_id: identity.spiffeId }), seconds(identity.notAfter)]] : [];
      },
    }),
  ];
}

/** Metrics of the stream of the operator. */
export const controlFamilies = (client: Pick<StreamClient, 'state'>): Family[] => [
  gaugeFamily({
    name: 'weft_control_connected',
    help: '1 while a stream of the operator is open; traffic does not depend on it.',
    read: () => [['', client.state.connected ? 1 : 0]],
  }),
  gaugeFamily({
    name: 'weft_control_connections_total',
    help: 'Streams that were opened.',
    type: 'counter',
    read: () => [['', client.state.connections]],
  }),
  gaugeFamily({
    name: 'weft_control_messages_total',
    help: 'Messages of the operator by type.',
    type: 'counter',
    read: () => Object.entries(client.state.messages).map(([type, count]) => [labelText({ type }), count]),
  }),
  gaugeFamily({
    name: 'weft_control_updates_total',
    help: 'Updates of the document by what became of them.',
    type: 'counter',
    read: () =>
      Object.entries(client.state.updates).map(([outcome, count]) => [labelText({ outcome }), count]),
  }),
  gaugeFamily({
    name: 'weft_control_asks_total',
    help: 'Services that were asked for because an application called them, by how it ended.',
    type: 'counter',
    read: () => Object.entries(client.state.asks).map(([outcome, count]) => [labelText({ outcome }), count]),
  }),
  gaugeFamily({
    name: 'weft_control_last_contact_timestamp_seconds',
    help: 'When the operator was last heard of, in Unix time: with it away, how old the configuration may be.',
    read: () => {
      const { lastContact } = client.state;
      return lastContact === null ? [] : [['', seconds(new Date(lastContact))]];
    },
  }),
];
