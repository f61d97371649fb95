export * from './version.ts';
export * from './schema.ts';
export * from './labels.ts';
export * from './canonical.ts';
export * from './parts.ts';
export * from './parse.ts';
