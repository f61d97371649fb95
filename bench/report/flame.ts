/** A flame graph: callers below, width is time, the hint of a frame says its share. */
import type { FlameFrame } from './cpuProfile.ts';
import { element, escaped, label, svg } from './svg.ts';

const WIDTH = 1400;
const ROW = 17;
const TOP = 30;
/** Narrower frames are left out: nobody could read or hit them. */
const MINIMUM = 0.6;
const CHARACTER = 6.4;

const depthOf = (frame: FlameFrame, scale: number): number =>
  1 +
  Math.max(
    0,
    ...frame.children.filter(({ total }) => total * scale >= MINIMUM).map((child) => depthOf(child, scale)),
  );

/** Warm colours by name, so that a function looks the same wherever it stands. */
function colour(name: string): string {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)!) >>> 0;
  const [hue, light] = name.includes('node:') ? [200, 78] : [20 + (hash % 40), 62 + ((hash >> 8) % 14)];
  return `hsl(${hue} 80% ${light}%)`;
}

export function flameGraph(root: FlameFrame, title: string): string {
  const scale = WIDTH / Math.max(1, root.total);
  const height = TOP + depthOf(root, scale) * ROW + 10;
  const parts = [label(title, { x: 8, y: 20, size: 14, weight: 'bold' })];
  const draw = (frame: FlameFrame, x: number, depth: number) => {
    const width = frame.total * scale;
    if (width < MINIMUM) return;
    const y = height - 10 - (depth + 1) * ROW;
    const share = (time: number) => `${((100 * time) / root.total).toFixed(2)} %`;
    const hint = `<title>${escaped(`${frame.name}: ${share(frame.total)}, itself ${share(frame.self)}`)}</title>`;
    const box = element('rect', {
      x,
      y,
      width: Math.max(0.3, width - 0.3),
      height: ROW - 1,
      fill: colour(frame.name),
    });
    const room = Math.floor((width - 6) / CHARACTER);
    const text = room < 3 ? '' : label(frame.name.slice(0, room), { x: x + 3, y: y + 12, size: 11 });
    parts.push(`<g>${hint}${box}${text}</g>`);
    let at = x;
    for (const child of frame.children.toSorted((a, b) => b.total - a.total)) {
      draw(child, at, depth + 1);
      at += child.total * scale;
    }
  };
  draw(root, 0, 0);
  return svg({ width: WIDTH, height }, parts);
}
