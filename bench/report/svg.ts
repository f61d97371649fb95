/** Text of an SVG document. */

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

type Attributes = Record<string, string | number>;

const written = (attributes: Attributes): string =>
  Object.entries(attributes)
    .map(
      ([name, value]) =>
        ` ${name}="${typeof value === 'number' ? Number(value.toFixed(2)) : escaped(value)}"`,
    )
    .join('');

export const element = (name: string, attributes: Attributes, content = ''): string =>
  `<${name}${written(attributes)}>${content}</${name}>`;

export interface Label {
  x: number;
  y: number;
  size?: number;
  anchor?: 'start' | 'middle' | 'end';
  weight?: 'normal' | 'bold';
}

export const label = (
  text: string,
  { x, y, size = 12, anchor = 'start', weight = 'normal' }: Label,
): string =>
  element('text', { x, y, 'font-size': size, 'text-anchor': anchor, 'font-weight': weight }, escaped(text));

export const svg = ({ width, height }: { width: number; height: number }, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">\n` +
  `<rect width="100%" height="100%" fill="#fff"/>\n${parts.join('\n')}\n</svg>\n`;

/** Told apart also by those who do not see red and green (Okabe and Ito's palette). */
export const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00'] as const;
export const colourOf = (index: number): string => COLOURS[index % COLOURS.length]!;
