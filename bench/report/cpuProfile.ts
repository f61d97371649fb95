/** Reads a profile as V8 gives it. */
import { SourceMap } from 'node:module';

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
  children?: number[];
}

export interface CpuProfile {
  nodes: ProfileNode[];
  /** Id of the node that was running, one per sample. */
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

/** Gives the source file that a place of the bundle came from; lines and columns from 0. */
export type Locate = (line: number, column: number) => string;

/** By the bundle's source map, where there is one. */
export function locator(sourceMap: string | undefined): Locate {
  if (sourceMap === undefined) return () => 'bundle';
  const map = new SourceMap(JSON.parse(sourceMap) as ConstructorParameters<typeof SourceMap>[0]);
  return (line, column) => {
    const entry = map.findEntry(line, column);
    // paths are relative to the bundle's folder
    return 'originalSource' in entry ? entry.originalSource.replace(/^(\.\.?\/)+/, '') : 'bundle';
  };
}

export interface FlameFrame {
  name: string;
  /** Microseconds of this frame itself. */
  self: number;
  /** Microseconds with all that it called. */
  total: number;
  children: FlameFrame[];
}

function nameOf({ callFrame }: ProfileNode, locate: Locate): string {
  const { functionName, url, lineNumber, columnNumber } = callFrame;
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  return url.startsWith('node:') ? `${name} ${url}` : `${name} ${locate(lineNumber, columnNumber)}`;
}

/** The tree of calls, without the time in which nothing ran. */
export function callTree(profile: CpuProfile, locate: Locate): FlameFrame {
  const selfById = new Map<number, number>();
  for (const [index, id] of profile.samples.entries())
    selfById.set(id, (selfById.get(id) ?? 0) + Math.max(0, profile.timeDeltas[index] ?? 0));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const build = (node: ProfileNode): FlameFrame => {
    const children = (node.children ?? [])
      .map((id) => nodes.get(id)!)
      .filter(({ callFrame }) => callFrame.functionName !== '(idle)')
      .map(build);
    const self = selfById.get(node.id) ?? 0;
    const total = children.reduce((sum, child) => sum + child.total, self);
    return { name: nameOf(node, locate), self, total, children };
  };
  return build(profile.nodes[0]!);
}

export interface SelfTime {
  name: string;
  /** Share of the time in which something ran, 0 to 1. */
  share: number;
}

/** Functions by their own time, whoever called them. */
export function topSelfTimes(root: FlameFrame, count: number): SelfTime[] {
  const byName = new Map<string, number>();
  const add = (frame: FlameFrame) => {
    byName.set(frame.name, (byName.get(frame.name) ?? 0) + frame.self);
    for (const child of frame.children) add(child);
  };
  add(root);
  return [...byName]
    .map(([name, self]) => ({ name, share: self / Math.max(1, root.total) }))
    .toSorted((a, b) => b.share - a.share)
    .slice(0, count);
}
