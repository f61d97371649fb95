/** Mesh resources of the document in force, as many as reports tell of: proxies themselves name no more. */
import type { Report } from '../../core/control/index.ts';

export const MAX_RESOURCES = 2_000;

export type Resources = NonNullable<Report['inForce']>['resources'];

const bounded = new WeakMap<Resources, Resources>();

/** The same value for the same, so that whoever compares them has little to do. */
export function boundedResources(resources: Resources): Resources {
  const known = bounded.get(resources);
  if (known) return known;
  const entries = Object.entries(resources);
  const made =
    entries.length <= MAX_RESOURCES ? resources : Object.fromEntries(entries.slice(0, MAX_RESOURCES));
  bounded.set(resources, made);
  return made;
}
