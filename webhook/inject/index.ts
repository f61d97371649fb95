export * from './types.ts';
export { injectPod } from './inject.ts';
export { DEFAULT_REVISION } from './decide.ts';
export { parseKubernetesVersion, tooOld } from './refuse.ts';
export { explain } from './explain.ts';
