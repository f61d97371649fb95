/** Reads a profile as `node --cpu-prof` writes it. */

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: number[];
}

export interface CpuProfile {
  nodes: ProfileNode[];
  /** Id of the node that was running, one per sample. */
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

/** Gives the source file that a line of the bundle came from. */
export type Locate = (line: number) => string;

/** esbuild writes the path of each module above it, as a comment. */
export function locator(bundle: string): Locate {
  const starts: { line: number; file: string }[] = [];
  for (const [line, text] of bundle.split('\n').entries()) {
    const file = /^ {0,4}\/\/ ([\w@./-]+\.[cm]?[jt]s)$/.exec(text)?.[1];
    if (file !== undefined) starts.push({ line, file });
  }
  return (line) => starts.findLast((start) => start.line <= line)?.file ?? 'bundle';
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
  const { functionName, url, lineNumber } = callFrame;
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  return url.startsWith('node:') ? `${name} ${url}` : `${name} ${locate(lineNumber)}`;
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
