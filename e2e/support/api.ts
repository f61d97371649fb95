/** One request to the API server as a ServiceAccount, for what kubectl has no command for. */
import { request } from 'node:https';
import { kubectl } from './kubectl.ts';

export interface ApiAnswer {
  code: number;
  /** `message` of a metav1.Status; '' otherwise. */
  message: string;
}

/** Sends JSON merge patches as `namespace/serviceAccount`, with a token that lives ten minutes. */
export async function mergePatcher(
  namespace: string,
  serviceAccount: string,
): Promise<(path: string, body: object) => Promise<ApiAnswer>> {
  const token = (
    await kubectl(['create', 'token', serviceAccount, '-n', namespace, '--duration=10m'])
  ).trim();
  const shown = await kubectl(['config', 'view', '--raw', '--minify', '--flatten', '-o', 'json']);
  const { cluster } = (
    JSON.parse(shown) as { clusters: { cluster: { server: string; 'certificate-authority-data': string } }[] }
  ).clusters[0]!;
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/merge-patch+json' };
  return (path, body) =>
    new Promise((resolve, reject) => {
      const outgoing = request(cluster.server + path, { method: 'PATCH', headers, ca }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => (text += chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const { message = '' } = JSON.parse(text) as { message?: string };
          resolve({ code: incoming.statusCode ?? 0, message });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify(body));
    });
}
