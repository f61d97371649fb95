/** The mesh of a process, with a real compiler and real time. */
import type { Logger } from 'pino';
import { Compiler } from '../core/compile/index.ts';
import { systemClock } from '../kube/index.ts';
import type { ReportRegistry } from './control/reports.ts';
import { forgetGonePods } from './gonePods.ts';
import { documentHash } from './hash.ts';
import { Mesh, type MeshOptions } from './mesh.ts';
import type { OperatorMetrics } from './metrics.ts';

export interface MeshParts {
  readonly inPlace: MeshOptions['inPlace'];
  readonly reports: ReportRegistry;
  readonly metrics: () => OperatorMetrics;
  readonly log: Logger;
}

export interface RunningMesh {
  readonly mesh: Mesh;
  stop(): void;
}

export function makeMesh({ inPlace, reports, metrics, log }: MeshParts): RunningMesh {
  const mesh = new Mesh({
    compiler: new Compiler({ hash: documentHash }),
    inPlace,
    clock: systemClock,
    onCompiled: (ms) => metrics().compileSeconds.observe(ms / 1_000),
    onError: (error) => log.error({ err: error }, 'a snapshot could not be worked on'),
  });
  return { mesh, stop: forgetGonePods({ mesh, reports, clock: systemClock }) };
}
