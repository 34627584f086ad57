import { nested, NOBODY } from '../support/samples.ts';

const NIL = '00000000-0000-0000-0000-000000000000';

/** An invalid request and the paths that its one error lists. */
export type Row = readonly [title: string, request: object, fields: readonly string[]];

/** The value under which stored secrets are read. */
export const MASK = '••••••';

/** Returns a text of so many bytes. */
export function long(bytes: number): string {
  return 'x'.repeat(bytes);
}

/** Returns `count` items. */
export function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

/** Returns an object of `count` names with the same value. */
export function namedMany(count: number, value: unknown = 1): Record<string, unknown> {
  return Object.fromEntries(many(count, (i) => [`v${i}`, value]));
}

/** Returns rows for a UUID at `field`, also an empty one if it is required. */
export function uuidRows(field: string, wrap: (uuid: string) => object, isRequired: boolean): Row[] {
  return [
    ...(isRequired ? [[`an empty ${field}`, wrap(''), [field]] as const] : []),
    [`${field} that is no UUID`, wrap('nonsense'), [field]],
    [`${field} in braces`, wrap(`{${NOBODY}}`), [field]],
    [`${field} without dashes`, wrap(NOBODY.replaceAll('-', '')), [field]],
    [`${field} that is nil`, wrap(NIL), [field]],
    [`${field} with a blank`, wrap(`${NOBODY} `), [field]],
  ];
}

/** Rows for a page of a list. */
export const PAGE_ROWS: readonly Row[] = [
  ['a negative page_size', { pageSize: -1 }, ['page_size']],
  ['a page_token that no list has made', { pageToken: 'bm9uc2Vuc2U' }, ['page_token']],
  ['a page_token that is no base64', { pageToken: '%%%\u0000' }, ['page_token']],
  ['a long page_token', { pageToken: long(4_000) }, ['page_token']],
  ['both', { pageSize: -2147483648, pageToken: 'x' }, ['page_size', 'page_token']],
];

/** Returns rows for a `Struct` at `field`. */
function structRows(field: string, wrap: (value: object) => object): Row[] {
  return [
    [`${field} with NaN`, wrap({ a: NaN }), [`${field}.a`]],
    [`${field} with Infinity in a list`, wrap({ a: [1, -Infinity] }), [`${field}.a[1]`]],
    [
      `${field} nested deeper than 24`,
      wrap({ a: nested(25) }),
      [`${field}.a${'.d'.repeat(field === 'metadata' ? 23 : 24)}`],
    ],
  ];
}

/** Returns rows for dynamic variables at `field`. */
export function variableRows(field: string, wrap: (value: object) => object): Row[] {
  return [
    ...structRows(field, wrap),
    [
      'prototype names',
      wrap({ constructor: 1, prototype: 2 }),
      [`${field}.constructor`, `${field}.prototype`],
    ],
    [
      'names of built-ins and reserved roots',
      wrap({ agent_uuid: 1, call: 1, secret: 1 }),
      [`${field}.agent_uuid`, `${field}.call`, `${field}.secret`],
    ],
    [
      'names that are not allowed',
      wrap({ '': 1, '1a': 1, 'a-b': 1 }),
      [`${field}[""]`, `${field}["1a"]`, `${field}["a-b"]`],
    ],
    ['a name of 65 characters', wrap({ [long(65)]: 1 }), [`${field}["${long(64)}…"]`]],
    ['a value over 16 KiB', wrap({ a: long(16 * 1024) }), [`${field}.a`]],
    ['more than 256 KiB together', wrap(namedMany(20, long(15_000))), [field]],
  ];
}

/** Returns rows for the call details of a start. */
export function detailRows(wrap: (details: object) => object): Row[] {
  return [
    ['a caller_phone of 257 bytes', wrap({ callerPhone: long(257) }), ['caller_phone']],
    ...variableRows('dynamic_variables', (dynamicVariables) => wrap({ dynamicVariables })),
    ...structRows('metadata', (metadata) => wrap({ metadata })),
    ['metadata over 3 MiB', wrap({ metadata: { a: long(3 * 1024 * 1024) } }), ['metadata']],
  ];
}

/** Returns rows for the call details that only an end has. */
export function endRows(wrap: (details: object) => object): Row[] {
  return [
    ['a call_summary over 64 KiB', wrap({ callSummary: long(64 * 1024 + 1) }), ['call_summary']],
    ['a negative call_duration', wrap({ callDuration: { seconds: -1n, nanos: 0 } }), ['call_duration']],
    [
      'a call_duration with negative nanos',
      wrap({ callDuration: { seconds: 0n, nanos: -1 } }),
      ['call_duration'],
    ],
    [
      'a call_duration with too many nanos',
      wrap({ callDuration: { seconds: 0n, nanos: 1_000_000_000 } }),
      ['call_duration'],
    ],
    [
      'a call_duration of more than 10,000 years',
      wrap({ callDuration: { seconds: 315_576_000_001n, nanos: 0 } }),
      ['call_duration'],
    ],
  ];
}
