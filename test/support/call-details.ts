/** Holds details of a call as the lifecycle requests and TestWebhook take them. */
export interface Details {
  readonly callerPhone?: string;
  readonly dynamicVariables?: Record<string, unknown>;
  readonly metadata?: Record<string, unknown>;
  readonly callDuration?: { readonly seconds: bigint; readonly nanos: number };
  readonly callSummary?: string;
}

/** Holds details with a title, and the paths of the violations that they are answered with. */
export type DetailsRow = readonly [title: string, details: Details, fields: readonly string[]];

const KIB = 1024;
/** Is the greatest size of a dynamic variable. */
const VARIABLE_BYTES = 16 * KIB;
/** Is the greatest size of a conversation's variables together. */
export const VARIABLES_BYTES = 256 * KIB;
const METADATA_BYTES = 3 * 1024 * KIB;

/** Returns a text that is so many bytes as JSON. */
export function textOf(jsonBytes: number): string {
  return 'x'.repeat(jsonBytes - 2);
}

/** Returns variables that are so many bytes of JSON together. None of them is too large. */
export function variablesOf(bytes: number): Record<string, string> {
  const variables: Record<string, string> = {};
  // The braces count, and for each variable its name in quotes, a colon, and a comma except after the last.
  let left = bytes - 2 + 1;
  for (let i = 100; left > 0; i += 1) {
    const size = Math.min(VARIABLE_BYTES, left - 8);
    // What is left must not be too little for another one.
    const fair = left - 8 - size > 0 && left - 8 - size < 16 ? size - 16 : size;
    variables[`v${i}`] = textOf(fair);
    left -= 8 + fair;
  }
  return variables;
}

/** Returns objects and lists by turns that are nested `depth` deep. */
function nestedTo(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { d: value };
  return value;
}

/** Lists details that are just as large, long and deep as is allowed. */
export const DETAILS_AT_LIMITS: readonly (readonly [title: string, details: Details])[] = [
  ['a caller_phone of 256 bytes', { callerPhone: 'é'.repeat(128) }],
  ['a variable of 16 KiB', { dynamicVariables: { x: textOf(VARIABLE_BYTES) } }],
  ['variables of 256 KiB together', { dynamicVariables: variablesOf(VARIABLES_BYTES) }],
  ['a variable that is nested 24 deep', { dynamicVariables: { x: nestedTo(24) } }],
  ['a variable name of 64 characters', { dynamicVariables: { ['n'.repeat(64)]: 1 } }],
  ['metadata of 3 MiB', { metadata: { m: textOf(METADATA_BYTES - 6) } }],
  ['metadata that is nested 24 deep', { metadata: { d: nestedTo(23) } }],
  [
    'metadata with names that variables must not have',
    { metadata: { constructor: 1, secret: 2, '': 3, '😀': 4 } },
  ],
];

/** Adds to {@link DETAILS_AT_LIMITS} the fields that only OnCallEnd has. */
export const END_DETAILS_AT_LIMITS: readonly (readonly [title: string, details: Details])[] = [
  ...DETAILS_AT_LIMITS,
  ['a call_summary of 64 KiB', { callSummary: '😀'.repeat(16 * KIB) }],
  ['a call_duration of nothing', { callDuration: { seconds: 0n, nanos: 0 } }],
  ['a call_duration of 10,000 years', { callDuration: { seconds: 315_576_000_000n, nanos: 999_999_999 } }],
];

function badName(title: string, name: string, path: string): DetailsRow {
  return [`a variable ${title}`, { dynamicVariables: { [name]: 1 } }, [path]];
}

/** Lists details that break one rule or several. */
export const BAD_DETAILS: readonly DetailsRow[] = [
  ['a caller_phone of 257 bytes', { callerPhone: `${'é'.repeat(128)}1` }, ['caller_phone']],
  [
    'a variable of a byte more than 16 KiB',
    { dynamicVariables: { x: textOf(VARIABLE_BYTES + 1) } },
    ['dynamic_variables.x'],
  ],
  [
    'variables of a byte more than 256 KiB together',
    { dynamicVariables: variablesOf(VARIABLES_BYTES + 1) },
    ['dynamic_variables'],
  ],
  [
    'a variable that is nested 25 deep',
    { dynamicVariables: { x: nestedTo(25) } },
    [`dynamic_variables.x${'[0].d'.repeat(12)}`],
  ],
  badName('name that begins with a digit', '1st', 'dynamic_variables["1st"]'),
  badName('name that is empty', '', 'dynamic_variables[""]'),
  badName('name with a dot', 'a.b', 'dynamic_variables["a.b"]'),
  badName('name with an emoji', '😀', 'dynamic_variables["😀"]'),
  badName('name of 65 characters', 'n'.repeat(65), `dynamic_variables["${'n'.repeat(64)}…"]`),
  badName('name that is reserved', 'secret', 'dynamic_variables.secret'),
  badName('name that is a built-in', 'call_summary', 'dynamic_variables.call_summary'),
  badName('name of a prototype', 'constructor', 'dynamic_variables.constructor'),
  ['NaN as a variable', { dynamicVariables: { x: NaN } }, ['dynamic_variables.x']],
  [
    'infinities inside of a variable',
    { dynamicVariables: { x: { a: [1, Infinity], 'b c': -Infinity } } },
    ['dynamic_variables.x.a[1]', 'dynamic_variables.x["b c"]'],
  ],
  ['metadata of a byte more than 3 MiB', { metadata: { m: textOf(METADATA_BYTES - 5) } }, ['metadata']],
  [
    'metadata that is nested 25 deep',
    { metadata: { d: nestedTo(24) } },
    [`metadata.d${'.d[0]'.repeat(11)}.d`],
  ],
  ['NaN inside of metadata', { metadata: { list: [0, NaN] } }, ['metadata.list[1]']],
  [
    'everything at once',
    { callerPhone: 'x'.repeat(257), dynamicVariables: { call: 1, y: NaN }, metadata: { n: -Infinity } },
    ['caller_phone', 'dynamic_variables.call', 'dynamic_variables.y', 'metadata.n'],
  ],
];

function badDuration(title: string, seconds: bigint, nanos: number): DetailsRow {
  return [`a call_duration ${title}`, { callDuration: { seconds, nanos } }, ['call_duration']];
}

/** Adds to {@link BAD_DETAILS} the fields that only OnCallEnd has. */
export const BAD_END_DETAILS: readonly DetailsRow[] = [
  ...BAD_DETAILS,
  [
    'a call_summary of a byte more than 64 KiB',
    { callSummary: `${'😀'.repeat(16 * KIB)}!` },
    ['call_summary'],
  ],
  badDuration('below zero', -1n, 0),
  badDuration('a nanosecond below zero', 0n, -1),
  badDuration('of more than 10,000 years', 315_576_000_001n, 0),
  badDuration('with a second of nanoseconds', 1n, 1_000_000_000),
  badDuration('of the least number there is', -(2n ** 63n), 0),
  [
    'everything of an end at once',
    {
      callerPhone: 'x'.repeat(257),
      callDuration: { seconds: -1n, nanos: 0 },
      callSummary: 'x'.repeat(65_537),
    },
    ['caller_phone', 'call_duration', 'call_summary'],
  ],
];
