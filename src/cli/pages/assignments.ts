import { MissReason, type MissedAssignment, type ResponseRecord } from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import { cutNote } from './http-exchange.ts';
import { parseJsonPrefix } from './json-prefix.ts';
import { whatStandsAt } from './near-path.ts';
import type { Page } from './page.ts';
import { enumWord } from './words.ts';

const REASONS: Readonly<Record<string, string>> = {
  NOT_FOUND: 'it is not in the response',
  IS_NULL: 'it is null, and the rule has no assign_null',
  IS_EMPTY: 'it is an empty text, and the rule has skip_empty',
  TOO_LARGE: 'the value has more than 16 KiB, or all variables together have more than 256 KiB',
  TOO_DEEP: 'the value is nested deeper than 24',
};

/** Returns for each assignment that took no value why, and what stood in the response instead. */
export function missedLines(
  page: Page,
  missed: readonly MissedAssignment[],
  response: ResponseRecord | undefined,
): string[] {
  const around = lookAround(response);
  return missed.flatMap(({ attributeName, dynamicVariable, reason }) => {
    const word = enumWord(MissReason, 'MISS_REASON_', reason);
    const rule = `${plainLine(attributeName)} → ${plainLine(dynamicVariable)}`;
    const isObjectRule = dynamicVariable === '*' && word === 'NOT_FOUND';
    const why = isObjectRule ? 'it is no object in the response' : (REASONS[word] ?? word);
    return [page.bad(`${rule}: ${why}`), ...page.wrap(around(attributeName)).map((line) => `  ${line}`)];
  });
}

function lookAround(response: ResponseRecord | undefined): (attributeName: string) => string {
  if (response === undefined) return () => 'no response is on record';
  const { body, bodyBinary, bodySize, truncated } = response;
  if (bodyBinary) return () => 'the body is not text';
  if (body === '')
    return () =>
      bodySize === 0n
        ? 'the response has no body'
        : 'the body is not on record, so nobody can say what stood there';
  const value = parseJsonPrefix(body);
  if (value === undefined) return () => 'the recorded body can not be read as JSON';
  const note = truncated ? ` ${cutNote(body, bodySize)}` : '';
  return (attributeName) => whatStandsAt(value, attributeName) + note;
}
