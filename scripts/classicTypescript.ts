/**
 * dependency-cruiser reads TypeScript with the compiler's JavaScript API, which TypeScript 7 no longer has. Preloaded
 * (`node --import`), this gives it TypeScript 5 under the name that it asks for; everything else uses TypeScript 7.
 */
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === 'typescript' || specifier.startsWith('typescript/')
        ? specifier.replace('typescript', 'typescript-5')
        : specifier,
      context,
    ),
});
