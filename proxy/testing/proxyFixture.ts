/** A real proxy process before an HTTP application, with folders, certificates, and answers that a test holds back. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { directoryText, documentText, temporaryFolder } from '../config/testing/volumes.ts';
import type { Issue } from './mesh.ts';
import { startProxyProcess, type ProxyProcess } from './proxyProcess.ts';

export class ProxyFixture {
  /** Waited for before a request is answered. */
  answer: (path: string) => Promise<void> = async () => {};
  readonly folder: string;
  readonly application: Server;
  private readonly issue: Issue;
  private readonly removeFolder: () => Promise<void>;
  private started: ProxyProcess | undefined;

  private constructor(issue: Issue, { path, remove }: { path: string; remove: () => Promise<void> }) {
    this.issue = issue;
    this.folder = path;
    this.removeFolder = remove;
    this.application = createServer((request, response) => {
      void this.answer(request.url ?? '').then(() => response.end(`you asked for ${request.url}`));
    });
  }

  /** The application listens; the proxy is yet to be started. */
  static async create(issue: Issue): Promise<ProxyFixture> {
    const fixture = new ProxyFixture(issue, await temporaryFolder());
    await new Promise<void>((resolve) => fixture.application.listen(0, '127.0.0.1', resolve));
    return fixture;
  }

  get applicationPort(): number {
    return (this.application.address() as AddressInfo).port;
  }

  async start(environment: Record<string, string> = {}): Promise<ProxyProcess> {
    const port = this.applicationPort;
    this.started = await startProxyProcess({
      folder: this.folder,
      application: port,
      destination: `127.0.0.1:${port}`,
      environment,
    });
    return this.started;
  }

  /** Labels of the pod, once the proxy is started: they choose the section of its document. */
  label(): Promise<void> {
    return this.started!.podInfo.write({ labels: 'app="cart"\n' });
  }

  /** Labels, document, certificate, and an empty directory where there is none: all that a proxy needs to serve. */
  async configure(): Promise<void> {
    const { config, directory } = this.started!;
    await this.label();
    await config.write({ 'config.json': documentText() });
    if (!directory.written) await directory.write({ 'directory.json': directoryText() });
    await this.renew();
  }

  /** A new certificate. */
  async renew(): Promise<void> {
    await this.started!.identity.write({ ...(await this.issue('cart')) });
  }

  async stop(): Promise<void> {
    this.started?.child.kill('SIGKILL');
    await this.started?.ended;
    this.application.closeAllConnections();
    this.application.close();
    await this.removeFolder();
  }
}
