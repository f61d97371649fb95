/**
 * What Weft relies on in the API server, checked in the same way against the double and against a real one: the double
 * is worth something only as long as both pass.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe } from 'vitest';
import type { KubeClient } from '../client.ts';
import { resources } from '../resource.ts';
import { applyChecks } from './conformanceApply.ts';
import { customChecks } from './conformanceCustom.ts';
import { objectChecks } from './conformanceObjects.ts';
import { patchChecks } from './conformancePatch.ts';
import { useChecks } from './conformanceUse.ts';
import { watchChecks } from './conformanceWatch.ts';
import type { Subject } from './conformanceSubject.ts';
import { defineProbes } from './probe.ts';

export interface Connected {
  client: KubeClient;
  close(): Promise<void>;
}

/** Registers the suite. `connect` gives a client that may do everything. */
export function describeApiServer(name: string, connect: () => Promise<Connected>): void {
  describe(`Kubernetes API: ${name}`, () => {
    const subject = {} as Subject;
    let connected: Connected;
    let group = '';

    beforeAll(async () => {
      connected = await connect();
      const run = randomBytes(4).toString('hex');
      group = `conformance-${run}.weft.dev`;
      subject.client = connected.client;
      subject.namespace = `weft-kube-${run}`;
      await subject.client.create(resources.namespaces, { metadata: { name: subject.namespace } });
      subject.probes = await defineProbes(subject.client, group);
    }, 60_000);

    afterAll(async () => {
      await subject.client.delete(resources.namespaces, { name: subject.namespace });
      await subject.client.delete(resources.customResourceDefinitions, { name: `probes.${group}` });
      await connected.close();
    }, 60_000);

    objectChecks(subject);
    patchChecks(subject);
    applyChecks(subject);
    customChecks(subject);
    watchChecks(subject);
    useChecks(subject);
  });
}
