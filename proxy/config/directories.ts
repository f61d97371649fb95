/** The directory in its small form, from a file or from the stream. */
import type { DirectoryMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { validateDirectoryService, validateOutsideService } from '../../core/generated/documents.js';
import { fieldOf, parseDirectory } from '../../core/proxyConfig/parse.ts';
import { hashOfDirectory, serviceKey } from '../../core/proxyConfig/parts.ts';
import type { DirectoryService, OutsideService } from '../../core/proxyConfig/schema.ts';
import { DOCUMENT_VERSION } from '../../core/proxyConfig/version.ts';
import { compact, CompactDirectory, entryOf, type Entries, type EntryText } from '../outbound/directory.ts';
import { documentHash } from './position.ts';

/** A service is named once: what is there twice, or is there and gone, is no directory. */
function namedOnce(
  { services, removed = [] }: { services: readonly object[]; removed?: readonly string[] },
  field: string,
): void {
  const seen = new Set<string>();
  const keys = [...removed, ...services.map((service) => serviceKey(service as DirectoryService))];
  const twice = keys.find((key) => seen.size === seen.add(key).size);
  if (twice === undefined) return;
  throw new WeftError('DOCUMENT_INVALID', `${twice} is named twice`, { resource: 'directory', field });
}

/** Reads `directory.json`. Throws WeftError DOCUMENT_*. */
export function readDirectory(text: string, before: CompactDirectory | undefined): CompactDirectory {
  const directory = parseDirectory(text, documentHash);
  namedOnce(directory, 'services');
  if (directory.outside) namedOnce({ services: directory.outside }, 'outside');
  return compact(directory, documentHash, before);
}

type Validate = typeof validateDirectoryService;

function entriesOf(
  values: readonly (DirectoryService | OutsideService)[],
  { validate, field }: { validate: Validate; field: string },
): EntryText[] {
  return values.map((value, index) => {
    if (validate(value)) return entryOf(value, documentHash);
    const [error] = validate.errors ?? [];
    throw new WeftError('DOCUMENT_INVALID', error?.message ?? 'does not match the schema', {
      resource: 'directory',
      field: `${field}[${index}].${error ? fieldOf(error) : ''}`,
    });
  });
}

const hashes = ({ byKey }: Entries): string[] => [...byKey.values()].map(({ hash }) => hash);

/** What a message makes of a directory, or a whole one by itself. Throws WeftError DOCUMENT_*. */
export function updateDirectory(
  before: CompactDirectory | undefined,
  message: DirectoryMessage,
): CompactDirectory {
  const { epoch, revision, hash, base, services, removed, outside } = message;
  if (base !== undefined && base !== before?.hash) {
    throw new WeftError('DOCUMENT_HASH_MISMATCH', `changes the directory ${base}, here is ${before?.hash}`, {
      resource: 'directory',
      field: 'base',
    });
  }
  namedOnce(message, 'services');
  if (outside) namedOnce(outside, 'outside.services');
  const after = CompactDirectory.of(
    {
      position: { epoch, revision, hash },
      services: entriesOf(services, { validate: validateDirectoryService, field: 'services' }),
      removed,
      outside: outside && {
        services: entriesOf(outside.services, {
          validate: validateOutsideService,
          field: 'outside.services',
        }),
        removed: outside.removed,
      },
    },
    base === undefined ? undefined : before,
  );
  const actual = hashOfDirectory(
    {
      version: DOCUMENT_VERSION,
      services: hashes(after.services),
      outside: after.outside && hashes(after.outside),
    },
    documentHash,
  );
  if (actual === hash) return after;
  throw new WeftError(
    'DOCUMENT_HASH_MISMATCH',
    `the directory that results has hash ${actual}, not ${hash}`,
    {
      resource: 'directory',
      field: 'hash',
    },
  );
}
