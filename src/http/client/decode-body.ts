import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { errorCode } from '../../errors.ts';
import type { ContentCoding } from './content-codings.ts';
import { createResponseBody } from './response.ts';

/** How a body is decoded, and its bounds. */
export interface DecodeOptions {
  /** More decoded bytes are not made: the decoder stops. */
  readonly maxBytes: number;
  /** Asks for memory for this many more decoded bytes, and refuses it by false. */
  readonly reserve?: ((bytes: number) => boolean) | undefined;
  /** The coded body is cut off, so its end may be missing. */
  readonly isCut: boolean;
}

/** What was decoded, and why it is not the whole body: it is too large, memory was refused, or the body is broken. */
export interface DecodedBody {
  readonly bytes: Uint8Array;
  readonly stoppedBy?: 'full' | 'no_room' | { readonly problem: string };
}

/** Undoes content codings. It never rejects. */
export type DecodeBody = (
  coded: Uint8Array,
  codings: readonly ContentCoding[],
  options: DecodeOptions,
) => Promise<DecodedBody>;

/**
 * So many bodies are decoded at a time, and the others wait in the order of their arrival. Node.js has four threads for
 * this work, so more would not be faster. A decoder takes 64 KiB, and one for br up to 16 MiB, because it decodes a whole
 * window before it returns any of it.
 */
const MAX_AT_ONCE = 4;

/** Makes the decoder of one executor. The work is done in threads, 16 KiB of decoded bytes at a time. */
export function createBodyDecoder(): DecodeBody {
  const waiting: (() => void)[] = [];
  let running = 0;
  const takeTurn = async (): Promise<void> => {
    if (running < MAX_AT_ONCE) running++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const endTurn = (): void => {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  };
  return async (coded, codings, options) => {
    await takeTurn();
    try {
      return await undoAll(coded, codings, options);
    } finally {
      endTurn();
    }
  };
}

async function undoAll(
  coded: Uint8Array,
  codings: readonly ContentCoding[],
  options: DecodeOptions,
): Promise<DecodedBody> {
  let decoded: DecodedBody = { bytes: coded };
  for (const coding of codings) {
    decoded = await undoOne(decoded.bytes, coding, options);
    if (decoded.stoppedBy !== undefined) break;
  }
  return decoded;
}

function undoOne(coded: Uint8Array, coding: ContentCoding, options: DecodeOptions): Promise<DecodedBody> {
  return new Promise((resolve) => {
    const body = createResponseBody(options.maxBytes, options.reserve);
    const decoder = createDecoder(coding, coded, options.isCut);
    const stop = (stoppedBy?: DecodedBody['stoppedBy']): void => {
      decoder.destroy();
      resolve(stoppedBy === undefined ? { bytes: body.kept() } : { bytes: body.kept(), stoppedBy });
    };
    decoder.on('data', (chunk: Uint8Array) => {
      const added = body.add(chunk);
      if (added !== 'ok') stop(added);
    });
    decoder.on('error', (error) => {
      // Text that is taken for bare deflate may give some bytes of rubbish.
      if (coding === 'deflate' && !isZlib(coded))
        resolve({ bytes: NOTHING, stoppedBy: { problem: NO_DEFLATE } });
      stop({ problem: brokenText(coding, coded, error) });
    });
    decoder.on('end', () =>
      hasMore(coded, decoder.bytesWritten) ? stop({ problem: trailingText(coding) }) : stop(),
    );
    decoder.end(coded);
  });
}

function createDecoder(coding: ContentCoding, coded: Uint8Array, isCut: boolean) {
  const finishFlush = isCut ? constants.Z_SYNC_FLUSH : constants.Z_FINISH;
  if (coding === 'gzip') return createGunzip({ finishFlush });
  if (coding === 'deflate')
    return isZlib(coded) ? createInflate({ finishFlush }) : createInflateRaw({ finishFlush });
  return createBrotliDecompress({
    finishFlush: isCut ? constants.BROTLI_OPERATION_FLUSH : constants.BROTLI_OPERATION_FINISH,
  });
}

// By RFC 9110, 8.4.1.2, deflate has the header of zlib (RFC 1950, 2.2), but some servers send it bare.
function isZlib([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

// The decoders stop at the end of the coded stream and ignore the rest. Zeros are padding, as gzip(1) takes them.
function hasMore(coded: Uint8Array, readBytes: number): boolean {
  return coded.subarray(readBytes).some((byte) => byte !== 0);
}

/** Reports whether bytes begin as gzip does (RFC 1952, 2.3.1). */
function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

const NOTHING = new Uint8Array(0);
const NO_DEFLATE = "the response body can't be decoded as deflate: it is damaged, or not deflate at all";

function brokenText(coding: ContentCoding, coded: Uint8Array, error: unknown): string {
  if (coding === 'gzip' && !isGzip(coded))
    return 'the response body is not gzip, though its Content-Encoding says so';
  const code = errorCode(error) ?? 'unknown error';
  const cause = code === 'Z_BUF_ERROR' ? 'it ends too early' : `it is damaged (${code})`;
  return `the response body can't be decoded as ${coding}: ${cause}`;
}

function trailingText(coding: ContentCoding): string {
  return `the response body can't be decoded as ${coding}: more bytes follow behind its end`;
}
