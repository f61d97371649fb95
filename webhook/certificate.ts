/** The serving certificate from a mounted Secret, read again when it changes. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeftError } from '../core/errors/index.ts';

export interface ServingCertificate {
  cert: string;
  key: string;
  notAfter: Date;
}

async function file(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new WeftError('IDENTITY_MISSING', `cannot read ${path}: ${(cause as Error).message}`, {
      remedy: 'the operator writes this Secret; check that it runs',
      cause,
    });
  }
}

/** Reads `tls.crt` and `tls.key`. Throws WeftError IDENTITY_MISSING, or IDENTITY_INVALID where they do not fit. */
export async function readCertificate(directory: string): Promise<ServingCertificate> {
  const [cert, key] = await Promise.all([file(join(directory, 'tls.crt')), file(join(directory, 'tls.key'))]);
  const invalid = (field: string, message: string, cause?: unknown) =>
    new WeftError('IDENTITY_INVALID', message, { resource: directory, field, cause });
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
  } catch (cause) {
    throw invalid('tls.crt', 'is no certificate', cause);
  }
  let fits: boolean;
  try {
    fits = leaf.checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    // the cause could show bytes of the key, so it is left out
    throw invalid('tls.key', `is no private key (${(cause as NodeJS.ErrnoException).code ?? 'unreadable'})`);
  }
  if (!fits) throw invalid('tls.key', 'is not the key of tls.crt');
  return { cert, key, notAfter: leaf.validToDate };
}

export interface CertificateWatchOptions {
  directory: string;
  /** A new, valid certificate. */
  onCertificate: (certificate: ServingCertificate) => void;
  /** Once for each different reason; the last good certificate stays. */
  onError: (error: Error) => void;
  /** How often the files are read whatever the file system says. */
  pollMs?: number;
}

/** Kubelet swaps the link `..data`, which is seen at once; reading now and then covers watches that see nothing. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #current: ServingCertificate | undefined;
  #lastError = '';
  #reading = false;
  #again = false;
  #closed = false;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#read(), options.pollMs ?? 5_000).unref();
    this.#watch();
    void this.#read();
  }

  get current(): ServingCertificate | undefined {
    return this.#current;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#watcher?.close();
  }

  #watch(): void {
    if (this.#watcher || this.#closed) return;
    try {
      this.#watcher = watch(this.#options.directory, () => void this.#read()).unref();
    } catch {
      return; // the directory is not there yet: the timer tries again
    }
    this.#watcher.on('error', () => {
      this.#watcher?.close();
      this.#watcher = undefined;
    });
  }

  async #read(): Promise<void> {
    // changes during a read are seen by one more read after it
    this.#again = this.#reading;
    if (this.#reading || this.#closed) return;
    this.#reading = true;
    this.#watch();
    try {
      this.#take(await readCertificate(this.#options.directory));
    } catch (error) {
      this.#refuse(error as Error);
    }
    this.#reading = false;
    if (this.#again) await this.#read();
  }

  #take(certificate: ServingCertificate): void {
    this.#lastError = '';
    if (this.#closed) return;
    if (certificate.cert === this.#current?.cert && certificate.key === this.#current.key) return;
    this.#options.onCertificate(certificate);
    this.#current = certificate;
  }

  #refuse(error: Error): void {
    if (this.#closed || error.message === this.#lastError) return;
    this.#lastError = error.message;
    this.#options.onError(error);
  }
}
