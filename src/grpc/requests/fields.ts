import { z } from 'zod';
import { parseUuid } from '../../domain/uuid.ts';
import type { PageTokens } from '../page-tokens.ts';

const MAX_PAGE_SIZE = 200;
const DEFAULT_PAGE_SIZE = 50;
const MAX_ETAG_BYTES = 64;

function isAtMost(maxBytes: number) {
  return (text: string) => Buffer.byteLength(text) <= maxBytes;
}

/** Says which rule a text breaks that is no UUID. */
export function uuidProblem(text: string): string {
  return text === '' ? 'is required' : 'must be a UUID of 8-4-4-4-12 hex digits, not all zero';
}

/** A UUID in lower case; undefined for an empty field. */
export const optionalUuid = z.string().transform((text, context) => {
  if (text === '') return undefined;
  const uuid = parseUuid(text);
  if (uuid !== undefined) return uuid;
  context.addIssue(uuidProblem(text));
  return z.NEVER;
});

/** An etag; empty for no check. */
export const etag = z.string().refine(isAtMost(MAX_ETAG_BYTES), `must have at most ${MAX_ETAG_BYTES} bytes`);

/** How many items a page may hold: 1 to 200, by default 50. */
export const pageSize = z
  .int()
  .min(0, 'must not be negative')
  .transform((size) => (size === 0 ? DEFAULT_PAGE_SIZE : Math.min(size, MAX_PAGE_SIZE)));

/** The place in a list after which a page begins; undefined for the first page. */
export function pageToken<Key>(tokens: PageTokens<Key>) {
  return z.string().transform((token, context): Key | undefined => {
    const key = token === '' ? undefined : tokens.read(token);
    if (token !== '' && key === undefined) {
      context.addIssue('must be the next_page_token of a page with the same filter');
    }
    return key;
  });
}

/** A word of an enum, by its table from words to numbers. */
export function requiredWord<Word extends string>(table: Readonly<Record<Word, number>>) {
  return z.number().transform((number, context): Word => {
    const word = wordOf(table, number);
    if (word !== undefined) return word;
    context.addIssue(number === 0 ? 'is required' : `has no value ${number}`);
    return z.NEVER;
  });
}

/** As {@link requiredWord}; undefined for the unspecified value. */
export function optionalWord<Word extends string>(table: Readonly<Record<Word, number>>) {
  return z.number().transform((number, context): Word | undefined => {
    const word = wordOf(table, number);
    if (word === undefined && number !== 0) context.addIssue(`has no value ${number}`);
    return word;
  });
}

/** Words of an enum, each once; the unspecified value is refused. A list has room to name every word twice. */
export function wordList<Word extends string>(table: Readonly<Record<Word, number>>) {
  const maxLength = 2 * Object.keys(table).length;
  return z
    .custom<readonly number[]>()
    .refine((numbers) => numbers.length <= maxLength, {
      error: `must not have more than ${maxLength} values`,
      abort: true,
    })
    .pipe(z.array(requiredWord(table)))
    .transform((words) => [...new Set(words)]);
}

function wordOf<Word extends string>(
  table: Readonly<Record<Word, number>>,
  number: number,
): Word | undefined {
  return (Object.keys(table) as Word[]).find((word) => table[word] === number);
}

/** A moment in epoch milliseconds; undefined for an unset field. */
export const optionalMoment = z
  .custom<Date | undefined>()
  .refine((date) => date === undefined || !Number.isNaN(date.getTime()), 'is out of range')
  .transform((date) => date?.getTime());
