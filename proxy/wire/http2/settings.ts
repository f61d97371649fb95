/** SETTINGS of both sides (RFC 9113, 6.5; RFC 8441, 3). */
import { code, DEFAULT_FRAME, DEFAULT_WINDOW, MAX_31, MAX_FRAME, setting } from './constants.ts';
import type { Http2Limits } from './limits.ts';

/** What we announce: pairs of identifier and value. */
export function ownSettings(role: 'client' | 'server', limits: Http2Limits): number[] {
  const pairs = [
    setting.initialWindowSize,
    limits.streamWindow,
    setting.maxHeaderListSize,
    limits.headerListBytes,
  ];
  if (limits.headerTableBytes !== 4096) pairs.push(setting.headerTableSize, limits.headerTableBytes);
  if (limits.frameBytes !== DEFAULT_FRAME) pairs.push(setting.maxFrameSize, limits.frameBytes);
  if (role === 'client') pairs.push(setting.enablePush, 0);
  else pairs.push(setting.maxConcurrentStreams, limits.streams, setting.enableConnectProtocol, 1);
  return pairs;
}

/** What the peer announced; until then what RFC 9113, 6.5.2 says. */
export class PeerSettings {
  /** Its SETTINGS have come. */
  known = false;
  headerTableSize = 4096;
  maxConcurrentStreams: number;
  initialWindowSize = DEFAULT_WINDOW;
  maxFrameSize = DEFAULT_FRAME;
  enableConnectProtocol = false;
  /** What was wrong with the last ones. */
  problem = '';
  private readonly role: 'client' | 'server';

  /** `role` is ours. */
  constructor(role: 'client' | 'server', assumedStreams: number) {
    this.role = role;
    this.maxConcurrentStreams = assumedStreams;
  }

  /** Takes the payload of a SETTINGS frame; the error code, NO_ERROR where all is well. */
  take(bytes: Buffer, start: number, end: number): number {
    // without the setting there is no bound (6.5.2)
    if (!this.known) this.maxConcurrentStreams = MAX_31;
    this.known = true;
    for (let at = start; at < end; at += 6) {
      const error = this.one(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
      if (error !== code.NO_ERROR) return error;
    }
    return code.NO_ERROR;
  }

  private one(identifier: number, value: number): number {
    switch (identifier) {
      case setting.headerTableSize:
        this.headerTableSize = value;
        return code.NO_ERROR;
      case setting.enablePush:
        // a server has nothing to enable
        return value <= (this.role === 'server' ? 1 : 0) ? code.NO_ERROR : this.bad('ENABLE_PUSH');
      case setting.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return code.NO_ERROR;
      case setting.initialWindowSize:
        if (value > MAX_31) {
          this.bad('INITIAL_WINDOW_SIZE');
          return code.FLOW_CONTROL_ERROR;
        }
        this.initialWindowSize = value;
        return code.NO_ERROR;
      case setting.maxFrameSize:
        if (value < DEFAULT_FRAME || value > MAX_FRAME) return this.bad('MAX_FRAME_SIZE');
        this.maxFrameSize = value;
        return code.NO_ERROR;
      case setting.enableConnectProtocol:
        if (value > 1 || (value === 0 && this.enableConnectProtocol))
          return this.bad('ENABLE_CONNECT_PROTOCOL');
        this.enableConnectProtocol = value === 1;
        return code.NO_ERROR;
      default:
        return code.NO_ERROR;
    }
  }

  private bad(name: string): number {
    this.problem = `invalid value of SETTINGS_${name}`;
    return code.PROTOCOL_ERROR;
  }
}
