import { BinaryReader } from '@bufbuild/protobuf/wire';
import { CallhooksError, errorCode } from '../errors.ts';

const NOT_A_MESSAGE = 'is not a valid protocol buffer message';
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * Decodes a request message of at most `maxBytes`.
 * @throws CallhooksError VALIDATION_FAILED for a longer message, for bytes that are not such a message, for text that is
 * not UTF-8, and for nesting deeper than the decoder's 100 levels (JSON of depth 24 needs at most 80)
 */
export function decodeRequest<T>(decode: (bytes: Buffer) => T, bytes: Uint8Array, maxBytes: number): T {
  if (bytes.length > maxBytes) throw malformed(`is larger than ${sizeName(maxBytes)}`);
  const reader = new BinaryReader(bytes, (part) => utf8.decode(part));
  try {
    // The generated decoders also take a reader. Only their type in the service definition does not say so.
    const request = decode(reader as unknown as Buffer);
    // A decoder stops at a zero byte as if the message ended there.
    if (reader.pos === reader.len) return request;
  } catch (error) {
    throw malformed(describe(error));
  }
  throw malformed(NOT_A_MESSAGE);
}

function sizeName(bytes: number): string {
  return bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
}

/** Returns the refusal of a whole message. The path of its violation is empty. */
function malformed(description: string): CallhooksError {
  return new CallhooksError('VALIDATION_FAILED', `the request ${description}`, {
    violations: [{ field: '', description }],
  });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return NOT_A_MESSAGE;
  if (errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'holds text that is not UTF-8';
  return /recursion limit/.test(error.message)
    ? 'is nested too deeply: JSON may have a depth of 24'
    : NOT_A_MESSAGE;
}
