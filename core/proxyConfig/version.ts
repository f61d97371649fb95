/** Version of Weft, as in package.json (a test compares them). */
export const WEFT_VERSION = '0.1.0';

/**
 * Wires that a proxy of this version speaks, best first; stamped on the pod, so that peers know without trying.
 * Whoever speaks `weft/1` speaks `weft-tcp/1` as well: raw TCP in bulk goes by it, and so does a peer of an older version.
 */
export const WIRES = ['weft/1', 'weft-tcp/1'] as const;
export type Wire = (typeof WIRES)[number];

/** The best wire of those that a pod says it speaks; names that this version does not know count for nothing. */
export const bestWire = (spoken: readonly string[]): Wire | undefined =>
  WIRES.find((wire) => spoken.includes(wire));

/** Version of the document's form. A proxy refuses any other: it never guesses. */
export const DOCUMENT_VERSION = 'weft.dev/proxy/v1';
