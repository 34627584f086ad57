import { BinaryReader } from '@bufbuild/protobuf/wire';
import { CallhooksError, errorCode } from '../errors.ts';
import { measureMessage, NOT_A_MESSAGE, UnfitMessage, type MessageSize } from './limits/measure-message.ts';
import type { MessageShape } from './limits/message-shape.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The limits of a method, which are checked before its request is decoded. */
interface MethodLimits {
  /** The largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Says whether the method is a list or an admin RPC: the server limits how many of them run at once. */
  readonly isLimited: boolean;
  /** Says whether the command of the method reserves the bytes of its request itself. */
  readonly reservesItself: boolean;
  /** Says whether the method changes nothing, so that its reply may be refused for lack of memory. */
  readonly isRead: boolean;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** The largest request message of any method, in bytes. */
export const MAX_REQUEST_BYTES = 4 * MIB;
/** Matches the methods whose requests hold call details. */
const CALLS = /\/(OnCallStart|OnCallEnd|TestWebhook)$/;
const ADMIN = /^\/callhooks\.v1\.(AgentAdmin|WebhookAdmin)\//;
const WRITES = /\/(Create|Update|Delete)\w+$/;
const LISTS = /\/List\w+$/;

/** Returns the limits of a method, by its path (`/callhooks.v1.AgentAdmin/GetAgent`). */
export function limitsOf(path: string): MethodLimits {
  // A sent test counts as a pre-call. Its endpoint may be slow, and lists and admin RPCs must not wait for it.
  if (CALLS.test(path))
    return { maxRequestBytes: MAX_REQUEST_BYTES, isLimited: false, reservesItself: true, isRead: false };
  const isWrite = WRITES.test(path);
  return {
    maxRequestBytes: isWrite ? MIB : 4 * KIB,
    isLimited: ADMIN.test(path) || LISTS.test(path),
    reservesItself: false,
    isRead: !isWrite,
  };
}

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
