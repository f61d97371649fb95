/** The Prometheus text format, version 0.0.4. */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const escapeLabel = (value: string): string =>
  /["\\\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;

/** `a="1",b="2"`; made once per series. */
export const labelText = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');

export const header = (name: string, type: MetricType, help: string): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;

/** `series` is a name, with its labels where it has some. */
export const sampleLine = (series: string, value: number): string => `${series} ${value}\n`;

export const sample = (name: string, labels: string, value: number): string =>
  sampleLine(labels === '' ? name : `${name}{${labels}}`, value);

/** A family whose values are read when it is scraped. */
export interface Family {
  expose(): string;
}

export interface GaugeOptions {
  name: string;
  help: string;
  type?: MetricType;
  /** Label texts with their values. */
  read: () => Iterable<readonly [labels: string, value: number]>;
}

export const gaugeFamily = ({ name, help, type = 'gauge', read }: GaugeOptions): Family => ({
  expose: () => {
    let text = header(name, type, help);
    for (const [labels, value] of read()) text += sample(name, labels, value);
    return text;
  },
});
