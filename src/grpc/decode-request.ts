import { BinaryReader } from '@bufbuild/protobuf/wire';
import { CallhooksError, errorCode } from '../errors.ts';
import { measureMessage, NOT_A_MESSAGE, UnfitMessage, type MessageSize } from './limits/measure-message.ts';
import type { MessageShape } from './limits/message-shape.ts';
import { KIB, MIB } from './limits/method-limits.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Returns the size of a request message. Nothing of it is decoded yet.
 * @throws CallhooksError VALIDATION_FAILED for more than `maxBytes`, and for a message that {@link measureMessage} refuses
 */
export function measureRequest(bytes: Uint8Array, maxBytes: number, shape: MessageShape): MessageSize {
  if (bytes.length > maxBytes) throw messageTooLarge(maxBytes);
  try {
    return measureMessage(bytes, shape);
  } catch (error) {
    throw error instanceof UnfitMessage ? malformed(error.field, error.message) : error;
  }
}

/**
 * Decodes a request message that {@link measureRequest} let pass.
 * @throws CallhooksError VALIDATION_FAILED for text that is not UTF-8
 */
export function decodeRequest<T>(decode: (bytes: Buffer) => T, bytes: Uint8Array): T {
  const reader = new BinaryReader(bytes, (part) => utf8.decode(part));
  try {
    // The generated decoders also take a reader. Only their type in the service definition does not say so.
    return decode(reader as unknown as Buffer);
  } catch (error) {
    const isNotUtf8 = errorCode(error) === 'ERR_ENCODING_INVALID_ENCODED_DATA';
    throw malformed('', isNotUtf8 ? 'holds text that is not UTF-8' : NOT_A_MESSAGE);
  }
}

/** Returns the refusal of a message of more than `maxBytes`. */
export function messageTooLarge(maxBytes: number): CallhooksError {
  return malformed('', `is larger than ${sizeName(maxBytes)}`);
}

function sizeName(bytes: number): string {
  return bytes < MIB ? `${bytes / KIB} KiB` : `${bytes / MIB} MiB`;
}

/** Returns the refusal of a message. `field` is empty for the message as a whole. */
function malformed(field: string, description: string): CallhooksError {
  return new CallhooksError('VALIDATION_FAILED', `${field || 'the request'} ${description}`, {
    violations: [{ field, description }],
  });
}
