export * from './types.ts';
export { compileAuthorizer } from './authorizer.ts';
export { isPolicyInvalid, PolicyInvalid } from './invalid.ts';
