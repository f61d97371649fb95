/** What a proxy speaks on one of its sides. */
export interface Link {
  /** `bytes`: TCP as it comes. */
  protocol: 'http/1.1' | 'h2' | 'bytes';
  /** Mutual TLS 1.3. */
  tls: boolean;
}

export interface PeerOptions {
  dir: string;
  /** Distinguishes the files of this process in `dir`. */
  name: string;
  port: number;
  /** Port of the next hop. */
  to: number;
  in: Link;
  out: Link;
}

export const plain = (protocol: Link['protocol']): Link => ({ protocol, tls: false });
export const secure = (protocol: Link['protocol']): Link => ({ protocol, tls: true });
