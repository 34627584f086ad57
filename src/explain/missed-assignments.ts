import { MissReason, type MissedAssignment, type ResponseRecord } from '../gen/index.callhooks.v1.ts';
import { cutNote } from './http-parts.ts';
import { parseJsonPrefix } from './json-prefix.ts';
import { createNearPath, nearPathText, type NearPath } from './near-path.ts';
import { enumWord } from './words.ts';

/** An assignment that took no value. */
export interface ExplainedMiss {
  readonly attributeName: string;
  readonly dynamicVariable: string;
  /** The reason as a word, such as `NOT_FOUND`. */
  readonly reason: string;
  /** The reason as the end of a sentence: `it is not in the response`. */
  readonly why: string;
  /** What stood in the response instead. It is undefined when the record does not tell. */
  readonly near: NearPath | undefined;
  /** Says all that is known of what stood there, in one sentence without a full stop. */
  readonly nearText: string;
}

const REASONS: Readonly<Record<string, string>> = {
  NOT_FOUND: 'it is not in the response',
  IS_NULL: 'it is null, and the rule has no assign_null',
  IS_EMPTY: 'it is an empty text, and the rule has skip_empty',
  TOO_LARGE: 'the value has more than 16 KiB, or all variables together have more than 256 KiB',
  TOO_DEEP: 'the value is nested deeper than 24',
};

/** Returns for each assignment that took no value why, and what stood in the response instead. */
export function explainMisses(
  missed: readonly MissedAssignment[],
  response: ResponseRecord | undefined,
): ExplainedMiss[] {
  if (missed.length === 0) return [];
  const look = lookAround(response);
  return missed.map(({ attributeName, dynamicVariable, reason }) => {
    const word = enumWord(MissReason, 'MISS_REASON_', reason);
    const isObjectRule = dynamicVariable === '*' && word === 'NOT_FOUND';
    const why = isObjectRule ? 'it is no object in the response' : (REASONS[word] ?? word);
    return { attributeName, dynamicVariable, reason: word, why, ...look(attributeName) };
  });
}

type Look = Pick<ExplainedMiss, 'near' | 'nearText'>;

function lookAround(response: ResponseRecord | undefined): (attributeName: string) => Look {
  const nothing = (nearText: string) => () => ({ near: undefined, nearText });
  if (response === undefined) return nothing('no response is on record');
  const { body, bodyBinary, bodySize, truncated } = response;
  if (bodyBinary) return nothing('the body is not text');
  if (body === '' && bodySize === 0n) return nothing('the response has no body');
  if (body === '') return nothing('the body is not on record, so nobody can say what stood there');
  const value = parseJsonPrefix(body);
  if (value === undefined) return nothing('the recorded body can not be read as JSON');
  const nearPath = createNearPath(value);
  const note = truncated ? ` (${cutNote(body, bodySize)})` : '';
  return (attributeName) => {
    const near = nearPath(attributeName);
    return { near, nearText: nearPathText(near) + note };
  };
}
