import type { Target } from '../target.ts';

/** Never comes back. */
export const target: Target = {
  name: 'hang',
  seeds: ['hang'],
  dictionary: [],
  run() {
    for (;;);
  },
};
