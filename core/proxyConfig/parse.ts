import { WeftError } from '../errors/index.ts';
import { validateDirectory, validateProxyConfig } from '../generated/documents.js';
import type { SchemaError } from '../generated/schemaError.d.ts';
import type { Hash } from './canonical.ts';
import { hashContent, hashDirectory, hashOfService, serviceKey } from './parts.ts';
import type { Directory, ProxyConfig } from './schema.ts';
import { DOCUMENT_VERSION } from './version.ts';

type Validator<T> = ((value: unknown) => value is T) & { errors?: SchemaError[] | null };

/** Dotted path of a schema error, such as `services[2].ports[0].port`. */
export function fieldOf(error: SchemaError): string {
  const extra = error.params['additionalProperty'] ?? error.params['missingProperty'];
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^[0-9]+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('');
  return `${path}${typeof extra === 'string' ? `.${extra}` : ''}`.replace(/^\./, '');
}

function parse<T extends { epoch: number; revision: string; hash: string }>(
  text: string,
  validate: Validator<T>,
  options: { name: string; hashOf: (value: T) => string },
): T {
  const resource = options.name;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new WeftError('DOCUMENT_INVALID', `not JSON: ${(cause as Error).message}`, { resource, cause });
  }
  const version = (value as { version?: unknown } | null)?.version;
  if (version !== DOCUMENT_VERSION) {
    throw new WeftError(
      'DOCUMENT_VERSION_UNKNOWN',
      `version ${JSON.stringify(version)}, this proxy knows ${DOCUMENT_VERSION}`,
      {
        resource,
        field: 'version',
      },
    );
  }
  if (!validate(value)) {
    const [error] = validate.errors ?? [];
    throw new WeftError('DOCUMENT_INVALID', error?.message ?? 'does not match the schema', {
      resource,
      field: error ? fieldOf(error) : '',
    });
  }
  const actual = options.hashOf(value);
  if (actual !== value.hash) {
    throw new WeftError('DOCUMENT_HASH_MISMATCH', `content has hash ${actual}, document says ${value.hash}`, {
      resource,
      field: 'hash',
    });
  }
  return value;
}

/** A service is known by its hash from then on. */
function mustCarryTheirHashes({ services }: ProxyConfig, hash: Hash): void {
  for (const [index, service] of services.entries()) {
    const actual = hashOfService(service, hash);
    if (actual === service.hash) continue;
    throw new WeftError(
      'DOCUMENT_HASH_MISMATCH',
      `${serviceKey(service)} has hash ${actual}, it says ${service.hash}`,
      { resource: 'config.json', field: `services[${index}].hash` },
    );
  }
}

/** Reads `config.json`. Throws WeftError DOCUMENT_* that names the field; never returns a part of a document. */
export function parseProxyConfig(text: string, hash: Hash): ProxyConfig {
  return parse(text, validateProxyConfig as Validator<ProxyConfig>, {
    name: 'config.json',
    hashOf: (document) => {
      mustCarryTheirHashes(document, hash);
      return hashContent(document, hash);
    },
  });
}

/** Reads `directory.json`. Throws as parseProxyConfig does. */
export function parseDirectory(text: string, hash: Hash): Directory {
  return parse(text, validateDirectory as Validator<Directory>, {
    name: 'directory.json',
    hashOf: (directory) => hashDirectory(directory, hash),
  });
}
