import { z } from 'zod';
import { wordOf } from '../messages/wire-values.ts';
import type { PageTokens } from '../page-tokens.ts';
import { parseUuid, uuidProblem } from './reader.ts';

const MAX_PAGE_SIZE = 200;
const DEFAULT_PAGE_SIZE = 50;
const MAX_ETAG_BYTES = 64;

function isAtMost(maxBytes: number) {
  return (text: string) => Buffer.byteLength(text) <= maxBytes;
}

/** Returns the schema of a UUID field, which reads the UUID in lower case, or undefined for an empty field. */
function uuidOf(field: string) {
  return z.string().transform((text, context) => {
    if (text === '') return undefined;
    const uuid = parseUuid(text);
    if (uuid !== undefined) return uuid;
    context.addIssue(uuidProblem(text, field));
    return z.NEVER;
  });
}

/** Reads the UUID of an agent in lower case, or undefined for an empty field. */
export const agentUuid = uuidOf('agent_uuid');
/** Reads the UUID of a conversation in lower case, or undefined for an empty field. */
export const conversationUuid = uuidOf('conversation_uuid');
/** Reads the UUID of a webhook in lower case, or undefined for an empty field. */
export const webhookUuid = uuidOf('webhook_uuid');

/** Reads an etag. An empty one asks for no check. */
export const etag = z.string().refine(isAtMost(MAX_ETAG_BYTES), `must have at most ${MAX_ETAG_BYTES} bytes`);

/** Reads the size of a page, 1 to 200 items. 0 means 50, and a larger size is cut to 200. */
export const pageSize = z
  .int()
  .min(0, 'must not be negative')
  .transform((size) => (size === 0 ? DEFAULT_PAGE_SIZE : Math.min(size, MAX_PAGE_SIZE)));

/** Returns the schema of a page token. It reads the place after which the page begins, or undefined for the first page. */
export function pageToken<Key>(tokens: PageTokens<Key>) {
  return z.string().transform((token, context): Key | undefined => {
    const key = token === '' ? undefined : tokens.read(token);
    if (token !== '' && key === undefined) {
      context.addIssue('must be the next_page_token of a page with the same filter');
    }
    return key;
  });
}

/** Returns the schema of an enum, which reads the number of a word in `table`. */
export function requiredWord<Word extends string>(table: Readonly<Record<Word, number>>) {
  return z.number().transform((number, context): Word => {
    const word = wordOf(table, number);
    if (word !== undefined) return word;
    context.addIssue(number === 0 ? 'is required' : `has no value ${number}`);
    return z.NEVER;
  });
}

/** Returns the schema of an enum as {@link requiredWord} does. It reads undefined for the unspecified value. */
export function optionalWord<Word extends string>(table: Readonly<Record<Word, number>>) {
  return z.number().transform((number, context): Word | undefined => {
    const word = wordOf(table, number);
    if (word === undefined && number !== 0) context.addIssue(`has no value ${number}`);
    return word;
  });
}

/**
 * Returns the schema of a list of an enum. It reads each word once and refuses the unspecified value. The list may name
 * every word twice.
 */
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

/** Reads a timestamp and returns it in epoch milliseconds, or undefined for an unset field. */
export const optionalTimestamp = z
  .custom<Date | undefined>()
  .refine((date) => date === undefined || !Number.isNaN(date.getTime()), 'is out of range')
  .transform((date) => date?.getTime());
