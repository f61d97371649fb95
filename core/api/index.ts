export * from './common.ts';
export * from './meshPolicy.ts';
export * from './meshConfig.ts';
export * from './kinds.ts';
export * from './validate.ts';
export { crdOf } from './crd.ts';
