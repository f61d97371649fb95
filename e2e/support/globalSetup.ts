import { keep, namespaces } from './environment.ts';
import { provideImages } from './images.ts';
import { deployShop, enableMesh, installWeft, prepareNamespaces, uninstallWeft } from './install.ts';
import { deleteNamespace, kubectl } from './kubectl.ts';

function say(what: string): void {
  process.stdout.write(`e2e: ${what}\n`);
}

const made = Object.values(namespaces).filter((name) => name !== namespaces.system);

/** Builds, installs, deploys the shop without a mesh, then gives it one. Returns how to take all of it away. */
export default async function setup(): Promise<() => Promise<void>> {
  await kubectl(['version']);
  say('images');
  await provideImages();
  // policies of an earlier run must not decide what this one sees
  await Promise.all(made.map(deleteNamespace));
  say('Weft, by Helm');
  await installWeft();
  say('the shop, without a mesh');
  await deployShop();
  say('the shop, in the mesh');
  await enableMesh(namespaces.shop);
  await prepareNamespaces();
  return async () => {
    if (keep) return;
    say('removing everything');
    await Promise.all(made.map(deleteNamespace));
    await uninstallWeft();
  };
}
