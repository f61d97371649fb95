/**
 * Cases of h2spec that a listener need not pass, as `section | title`, each with the reason. Everything else must pass,
 * and a case that passes although it is listed here fails the test: the list cannot outlive its reasons.
 */
export type Listener = 'inbound' | 'outbound' | 'mesh';

/** A port for applications takes HTTP/1.1 as well: what begins as neither is told so in HTTP/1.1, and closed. */
const PREFACE = {
  'http2/3.5 | Sends invalid connection preface':
    'answered with 400 in HTTP/1.1 (RFC 9113, 3.4 leaves it open), then closed',
};

export const exceptions: Readonly<Record<Listener, Readonly<Record<string, string>>>> = {
  inbound: PREFACE,
  outbound: PREFACE,
  mesh: {},
};
