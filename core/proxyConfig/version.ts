/** Version of Weft, as in package.json (a test compares them). */
export const WEFT_VERSION = '0.1.0';

/** Wires that a proxy of this version speaks, best last; stamped on the pod, so that peers know without trying. */
export const WIRES = ['weft-tcp/1'] as const;

/** Version of the document's form. A proxy refuses any other: it never guesses. */
export const DOCUMENT_VERSION = 'weft.dev/proxy/v1';
