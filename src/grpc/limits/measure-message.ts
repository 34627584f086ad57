import type { FieldShape, MessageShape } from './message-shape.ts';

/** The size of a message, as the walk over its bytes found it. */
export interface MessageSize {
  /** How many JSON values, list elements and map entries it has. */
  readonly values: number;
  /** An estimate of the memory that the message takes, in bytes: as it came, and decoded. */
  readonly memoryBytes: number;
}

/** The most values of a message: JSON values, elements of lists, entries of maps, and fields that come more than once. */
export const MAX_VALUES = 100_000;
/**
 * The deepest nesting of messages. The decoder has the same limit. JSON of depth 24, the deepest that is accepted, needs a
 * nesting of 75. JSON that is a little deeper still passes here, so that the later check of its depth can refuse it and
 * name the place inside the value.
 */
const MAX_NESTING = 100;
/**
 * The memory of a value. 95,000 of them were measured on Node.js 24: a number takes 20 bytes, a short text 27, `[]` 33, `{}`
 * 52, a number with a name of its own 53, and an object with such a member 143.
 */
const BYTES_PER_VALUE = 80;
/** The bytes of a message are kept twice: by grpc-js as they came, and as the texts in the decoded message. */
const COPIES = 2;

/** A message that breaks a rule. It names the field, by its path without indexes, and the rule. */
export class UnfitMessage extends Error {
  readonly field: string;

  constructor(field: string, description: string) {
    super(description);
    this.field = field;
  }
}

/** The description of bytes that are no message of protocol buffers. */
export const NOT_A_MESSAGE = 'is not a valid protocol buffer message';
const MAX_VARINT_BYTES = 10;
/** A tag and a length have 32 bits, so the fifth byte holds four of them. */
const MAX_UINT32_BYTES = 5;
const MAX_FIFTH_BYTE = 0x0f;

/**
 * Walks over the bytes of a message before anything is decoded, and returns its size. It makes nothing but the walk's own
 * state. It is stricter than the decoders, so that all of them read the same from a message:
 * - A length may not lead beyond the message around it. Generated decoders follow such a length.
 * - No field may have the number 0 or be a group. Generated decoders end a message there, and read the bytes that follow
 *   as fields of the message around it.
 * - A field has its own wire type. Some decoders pass over a field with another one; others read it all the same, and
 *   are out of step from there on.
 * - A message that is not repeated may not come twice. Protocol buffers merge the two; ts-proto keeps the last.
 * @throws UnfitMessage for bytes that are no such message, for more than 100,000 values, and for nesting deeper than 100
 */
export function measureMessage(bytes: Uint8Array, shape: MessageShape): MessageSize {
  const walk: Walk = { bytes, pos: 0, values: 0, path: [] };
  walkMessage(walk, shape, bytes.length, 0);
  return { values: walk.values, memoryBytes: COPIES * bytes.length + BYTES_PER_VALUE * walk.values };
}

interface Walk {
  readonly bytes: Uint8Array;
  pos: number;
  values: number;
  /** The fields that lead to the message under the walk, by depth. Entries behind its depth are old. */
  readonly path: FieldShape[];
}

function walkMessage(walk: Walk, shape: MessageShape, end: number, depth: number): void {
  const { fields } = shape;
  let { freeFields } = shape;
  let seen = 0;
  while (walk.pos < end) {
    const tag = readUint32(walk, end, depth);
    const field = fields[tag >>> 3];
    const wireType = tag & 7;
    if (tag >>> 3 === 0 || (field !== undefined && !isWrittenAs(field, wireType)))
      throw unfit(walk, depth, NOT_A_MESSAGE);
    if (freeFields > 0 && field?.isRepeated !== true) freeFields -= 1;
    else countValues(walk, 1, depth);
    if (wireType !== 2) {
      skipScalar(walk, wireType, end, depth);
      continue;
    }
    const fieldEnd = readLength(walk, end, depth);
    if (field?.message !== undefined) {
      if ((seen & field.bit) !== 0) throw unfit(walk, depth, `has ${field.name} twice`);
      seen |= field.bit;
      enter(walk, field, field.message, fieldEnd, depth);
    } else if (field?.packedSize !== undefined) {
      countPacked(walk, field.packedSize, fieldEnd, depth);
    }
    walk.pos = fieldEnd;
  }
}

function isWrittenAs(field: FieldShape, wireType: number): boolean {
  return wireType === field.wireType || (wireType === 2 && field.packedSize !== undefined);
}

function enter(walk: Walk, field: FieldShape, shape: MessageShape, end: number, depth: number): void {
  walk.path[depth] = field;
  if (depth + 1 >= MAX_NESTING)
    throw unfit(walk, depth + 1, 'is nested too deeply: JSON may have a depth of 24');
  walkMessage(walk, shape, end, depth + 1);
}

function countValues(walk: Walk, count: number, depth: number): void {
  walk.values += count;
  if (walk.values > MAX_VALUES) throw unfit(walk, depth, `takes the message beyond ${MAX_VALUES} values`);
}

/** Counts the elements of a packed list. The walk has counted one of them already. */
function countPacked(walk: Walk, size: number, end: number, depth: number): void {
  if (size > 0) {
    if ((end - walk.pos) % size !== 0) throw unfit(walk, depth, NOT_A_MESSAGE);
    countValues(walk, (end - walk.pos) / size, depth);
    return;
  }
  while (walk.pos < end) {
    skipVarint(walk, end, depth);
    countValues(walk, 1, depth);
  }
}

function skipScalar(walk: Walk, wireType: number, end: number, depth: number): void {
  if (wireType === 0) return skipVarint(walk, end, depth);
  if (wireType !== 1 && wireType !== 5) throw unfit(walk, depth, NOT_A_MESSAGE);
  walk.pos += wireType === 1 ? 8 : 4;
  if (walk.pos > end) throw unfit(walk, depth, NOT_A_MESSAGE);
}

function skipVarint(walk: Walk, end: number, depth: number): void {
  const lastPos = Math.min(end, walk.pos + MAX_VARINT_BYTES);
  while (walk.pos < lastPos) {
    if ((walk.bytes[walk.pos++] as number) < 0x80) return;
  }
  throw unfit(walk, depth, NOT_A_MESSAGE);
}

/** Reads a length and returns the end of the field. */
function readLength(walk: Walk, end: number, depth: number): number {
  const length = readUint32(walk, end, depth);
  if (length > end - walk.pos) throw unfit(walk, depth, NOT_A_MESSAGE);
  return walk.pos + length;
}

function readUint32(walk: Walk, end: number, depth: number): number {
  const { bytes } = walk;
  const first = bytes[walk.pos] as number;
  if (first < 0x80 && walk.pos < end) {
    walk.pos += 1;
    return first;
  }
  let value = 0;
  for (let i = 0; i < MAX_UINT32_BYTES && walk.pos < end; i += 1) {
    const byte = bytes[walk.pos++] as number;
    if (i === MAX_UINT32_BYTES - 1 && byte > MAX_FIFTH_BYTE) break;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value >>> 0;
  }
  throw unfit(walk, depth, NOT_A_MESSAGE);
}

/** Returns the error with the path of the message at `depth`, down to the first JSON value. */
function unfit({ path }: Walk, depth: number, description: string): UnfitMessage {
  const steps = path.slice(0, depth);
  const json = steps.findIndex((step) => step.message?.isJson === true);
  const named = json === -1 ? steps : steps.slice(0, json + 1);
  return new UnfitMessage(named.map(({ name }) => name).join('.'), description);
}
