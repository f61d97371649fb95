/** The init container: sets up the redirection in the pod's network, says so in one line, and ends. */
import { WeftError } from '../../core/errors/index.ts';
import { readInitEnvironment } from './env.ts';
import { addSource, ipv6State } from './ipv6.ts';
import { applyByNft, redirect } from './nft.ts';

function say(level: 'Info' | 'Error', fields: object): void {
  process.stdout.write(`${JSON.stringify({ ts: new Date().toISOString(), level, ...fields })}\n`);
}

/** `::6` on the loopback interface, where there is IPv6. What a pod without IPv6 addresses lacks does not matter. */
function prepareIpv6(): { needsIpv6: boolean; source: boolean } {
  const { present, reachable, hasSource } = ipv6State();
  if (!present || hasSource) return { needsIpv6: reachable, source: hasSource };
  try {
    addSource();
    return { needsIpv6: reachable, source: true };
  } catch (cause) {
    if (!reachable) return { needsIpv6: false, source: false };
    throw new WeftError('REDIRECTION_FAILED', (cause as Error).message, { resource: 'lo', cause });
  }
}

async function main(): Promise<void> {
  // whoever tries it out by hand must not redirect a machine's traffic
  if (process.argv.length > 2)
    throw new Error(
      `unknown argument ${JSON.stringify(process.argv[2])}; everything comes from the environment`,
    );
  const environment = readInitEnvironment();
  const { needsIpv6, source } = prepareIpv6();
  const { families } = await redirect({ environment, needsIpv6, apply: applyByNft });
  say('Info', { message: 'traffic is redirected', families, ipv6: source });
}

await main().catch((error: unknown) => {
  const { code, field, message, remedy } = error as Record<string, unknown>;
  say('Error', { message, code, field, remedy });
  process.exitCode = 1;
});
