import { port } from '../../core/model/names.ts';
import { serveHttp, type HttpServer, type ListenAddress } from '../http.ts';
import { AdminPages, type PagesOptions } from './pages.ts';

/** Only the pod itself: who may forward a port to it may see what it says. */
const LOOPBACK: ListenAddress = { host: '127.0.0.1', port: port.admin };

/** Rejects where the address cannot be bound. */
export async function serveAdmin(
  options: PagesOptions,
  address: ListenAddress = LOOPBACK,
): Promise<HttpServer> {
  const pages = new AdminPages(options);
  const server = await serveHttp(address, (target) => pages.answer(target));
  return {
    port: server.port,
    close: () => {
      pages.stop();
      return server.close();
    },
  };
}
