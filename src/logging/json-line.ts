import { describeError } from './describe-error.ts';

/** The names of fields that never reach a log, at the top of an event or below it. */
export const REDACTED_FIELDS = [
  'authorization',
  'bindings',
  'body',
  'callSummary',
  'callerPhone',
  'caller_phone',
  'databaseUrl',
  'dynamicVariables',
  'dynamic_variables',
  'encryptionKeys',
  'headers',
  'metadata',
  'password',
  'path',
  'query',
  'requestBody',
  'requestHeaders',
  'sealed',
  'secret',
  'secrets',
  'sql',
  'token',
  'url',
  'variables',
] as const;

const REDACTED: ReadonlySet<string> = new Set(REDACTED_FIELDS);

/** Returns the line of an event that happens now: one JSON object and a line feed. */
type ToLine = (level: string, fields: object, message: string) => string;

/** Makes the function that writes the lines of this instance. */
export function createJsonLine(instance: string): ToLine {
  const origin = `"instance":${JSON.stringify(instance)}`;
  return (level, fields, message) => {
    const time = new Date().toISOString();
    const json = toJson(fields);
    const members = json === '{}' ? '' : `,${json.slice(1, -1)}`;
    return `{"level":"${level}","time":"${time}",${origin}${members},"msg":${JSON.stringify(message)}}\n`;
  };
}

function toJson(fields: object): string {
  try {
    // JSON.stringify takes three times as long with a function that checks each value.
    return isSafe(fields) ? JSON.stringify(fields) : JSON.stringify(fields, toSafe);
  } catch {
    return '{"fields":"can not be written as JSON"}';
  }
}

/** Reports whether every field is a plain value (a string, a number) that may be logged as it is. */
function isSafe(fields: object): boolean {
  for (const name in fields) {
    if (REDACTED.has(name) || name === 'err') return false;
    const value: unknown = fields[name as keyof typeof fields];
    if ((typeof value === 'object' && value !== null) || typeof value === 'bigint') return false;
  }
  return true;
}

function toSafe(name: string, value: unknown): unknown {
  if (REDACTED.has(name)) return undefined;
  if (value instanceof Error || (name === 'err' && value !== undefined)) return describeError(value);
  return typeof value === 'bigint' ? String(value) : value;
}
