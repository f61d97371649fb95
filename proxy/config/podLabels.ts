import { WeftError } from '../../core/errors/index.ts';

const invalid = (line: number, problem: string) =>
  new WeftError('SECTION_MISSING', `line ${line} of the pod's labels ${problem}`, {
    resource: 'labels',
    remedy: 'this file is written by kubelet from metadata.labels; see the volume of the pod',
  });

/** Reads the downward API's form: one `key="value"` each line, the value escaped as by Go's %q. */
export function parsePodLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const equals = line.indexOf('=');
    if (equals < 1) throw invalid(i + 1, 'is not key="value"');
    try {
      const value: unknown = JSON.parse(line.slice(equals + 1));
      if (typeof value !== 'string') throw new TypeError('no text');
      labels[line.slice(0, equals)] = value;
    } catch {
      throw invalid(i + 1, 'has a value that is not quoted');
    }
  }
  return labels;
}
