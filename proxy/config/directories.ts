/** The directory in its small form, from a file or from the stream. */
import type { DirectoryMessage } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { validateDirectoryService, validateOutsideService } from '../../core/generated/documents.js';
import { fieldOf, parseDirectory } from '../../core/proxyConfig/parse.ts';
import { hashOfDirectory } from '../../core/proxyConfig/parts.ts';
import type { DirectoryService, OutsideService } from '../../core/proxyConfig/schema.ts';
import { DOCUMENT_VERSION } from '../../core/proxyConfig/version.ts';
import { compact, CompactDirectory, entryOf, type Entries, type EntryText } from '../outbound/directory.ts';
import { documentHash } from './position.ts';

/** Reads `directory.json`. Throws WeftError DOCUMENT_*. */
export const readDirectory = (text: string, before: CompactDirectory | undefined): CompactDirectory =>
  compact(parseDirectory(text, documentHash), documentHash, before);

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
