import { constants, createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { errorCode } from '../../errors.ts';
import type { ContentCoding } from './content-codings.ts';
import { createResponseBody } from './response.ts';

/** A coded body, and how it is decoded. */
export interface CodedBody {
  /** The origin that it came from. Origins take turns. */
  readonly origin: string;
  readonly bytes: Uint8Array;
  /** Its content codings, in the order in which they are undone. */
  readonly codings: readonly ContentCoding[];
  /** More decoded bytes are not made: the decoder stops. */
  readonly maxBytes: number;
  /** Asks for memory for this many more decoded bytes, and refuses it by false. */
  readonly reserve: (bytes: number) => boolean;
  /** The body is cut off, so its end may be missing. */
  readonly isCut: boolean;
  /** Reports whether somebody still waits for it. If not, it is not decoded any further, and asks for no memory. */
  readonly isAwaited: () => boolean;
}

/** What was decoded, and why it is not the whole body: it is too large, memory was refused, or the body is broken. */
export interface DecodedBody {
  readonly bytes: Uint8Array;
  readonly stoppedBy?: 'full' | 'no_room' | { readonly problem: string };
}

/** Undoes content codings. It never rejects. */
export type DecodeBody = (body: CodedBody) => Promise<DecodedBody>;

/**
 * So many bodies are decoded at a time, and the others wait. A decoder takes 64 KiB, and one for br up to 16 MiB: it fills a
 * whole window before it returns any of it, which takes 30 ms of a thread.
 */
const MAX_AT_ONCE = 2;

/**
 * Makes the decoder of one executor. The work is done in threads, 16 KiB of decoded bytes at a time. The origins of the
 * bodies that wait take turns, so that one with costly bodies holds up itself alone.
 */
export function createBodyDecoder(): DecodeBody {
  const turns = createTurns(MAX_AT_ONCE);
  return async (body) => {
    await turns.take(body.origin);
    try {
      return await undoAll(body);
    } finally {
      turns.end();
    }
  };
}

function createTurns(maxAtOnce: number) {
  const waiting = new Map<string, (() => void)[]>();
  let running = 0;
  return {
    take: async (origin: string): Promise<void> => {
      if (running < maxAtOnce) running++;
      else
        await new Promise<void>((resolve) => {
          const queue = waiting.get(origin);
          if (queue === undefined) waiting.set(origin, [resolve]);
          else queue.push(resolve);
        });
    },
    end: (): void => {
      const [first] = waiting;
      if (first === undefined) running--;
      else {
        const [origin, queue] = first;
        waiting.delete(origin);
        const next = queue.shift();
        if (queue.length > 0) waiting.set(origin, queue);
        next?.();
      }
    },
  };
}

async function undoAll(body: CodedBody): Promise<DecodedBody> {
  let decoded: DecodedBody = { bytes: body.bytes };
  for (const coding of body.codings) {
    if (!body.isAwaited()) return { bytes: NOTHING, stoppedBy: 'no_room' };
    decoded = await undoOne(decoded.bytes, coding, body);
    if (decoded.stoppedBy !== undefined) break;
  }
  return decoded;
}

function undoOne(
  coded: Uint8Array,
  coding: ContentCoding,
  { maxBytes, reserve, isCut, isAwaited }: CodedBody,
): Promise<DecodedBody> {
  return new Promise((resolve) => {
    const body = createResponseBody(maxBytes, (bytes) => isAwaited() && reserve(bytes));
    const decoder = createDecoder(coding, coded, isCut);
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
