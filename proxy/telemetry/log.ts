import type { Log } from '../context.ts';
import type { LogLevel } from '../env.ts';
import { quote } from './json.ts';
import type { LineWriter } from './lineWriter.ts';

const RANK: Record<LogLevel, number> = { Error: 0, Warn: 1, Info: 2, Debug: 3 };

export interface LevelledLog extends Log {
  setLevel(level: LogLevel): void;
}

/** Errors have no enumerable fields; a log must show them all the same. */
function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { code, field, remedy } = value as { code?: unknown; field?: unknown; remedy?: unknown };
  return { code, field, message: value.message, remedy };
}

/** Diagnostics of the proxy as JSON lines: `{"ts","level","message",...always,...fields}`. */
export function createLog(writer: LineWriter, level: LogLevel, always: object = {}): LevelledLog {
  let rank = RANK[level];
  const everywhere = JSON.stringify(always).slice(1, -1);
  const start = everywhere && `,${everywhere}`;
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (RANK[level] > rank) return;
    const body = JSON.stringify(fields, plain).slice(1, -1);
    writer.write(
      `{"ts":"${new Date().toISOString()}","level":"${level}","message":${quote(message)}${start}${body && `,${body}`}}`,
    );
  };
  return {
    error: at('Error'),
    warn: at('Warn'),
    info: at('Info'),
    debug: at('Debug'),
    setLevel: (level) => {
      rank = RANK[level];
    },
  };
}
