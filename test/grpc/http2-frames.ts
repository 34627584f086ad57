import { connect as openSocket } from 'node:net';

// Types of frames and their flags (RFC 9113, 6).
export const HEADERS = 1;
export const RST_STREAM = 3;
const SETTINGS = 4;
export const END_STREAM = 1;
const END_HEADERS = 4;

/** A frame of HTTP/2 (RFC 9113, 4.1). */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Returns the HEADERS frame of a call, which does not end its stream. */
export function requestFrame(path: string): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'test',
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  // HPACK, literal fields without indexing (RFC 7541, 6.2.2).
  const block = Buffer.concat(
    Object.entries(headers).map(([name, value]) => Buffer.concat([Buffer.of(0), text(name), text(value)])),
  );
  return frame(HEADERS, END_HEADERS, 1, block);
}

/**
 * Sends frames of stream 1 in one packet, and collects the frames of the answer. Node's own client would not do: it ends its
 * side as soon as the answer is there, and so hides what the server does.
 */
export function sendFrames(port: number, ...frames: Buffer[]) {
  const socket = openSocket(port, '127.0.0.1');
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  let bytes = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (more) => {
    bytes = Buffer.concat([bytes, more]);
  });
  socket.write(Buffer.concat([preface, frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...frames]));
  return {
    received: () => parseFrames(bytes).filter(({ streamId }) => streamId === 1),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Encodes a frame. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Decodes the frames that have arrived whole. */
function parseFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const [type, flags, streamId] = [bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5)];
    frames.push({ type, flags, streamId, payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}
