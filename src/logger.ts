import { describeError } from './logging/describe-error.ts';
import { openLogOutput, type LogOutput } from './logging/log-output.ts';
import { prettyLine } from './logging/pretty-line.ts';

export { describeError };

/** The levels of `CALLHOOKS_LOG_LEVEL`, the lowest first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Writes one event per call: its fields, then a fixed message without values. The field of an error is `err`. Fields never
 * hold phone numbers, URL paths or queries, variable values or bodies. The fields in {@link REDACTED_FIELDS} are dropped,
 * in case somebody forgets this.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

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

/** The settings of {@link createLogger}. */
interface LoggerOptions {
  /** The minimum log level. */
  readonly level: LogLevel;
  /** The name of the replica, which is in every line. */
  readonly instance: string;
  /** Writes a short coloured line for people instead of JSON. */
  readonly pretty: boolean;
  /** Takes each line whole. */
  readonly destination: { write(line: string): void };
}

const DROPPED = 'log lines were dropped because standard output did not accept them in time';

/** The log of this process. */
export interface Log extends Pick<LogOutput, 'droppedLines' | 'flush'> {
  readonly logger: Logger;
}

/** Opens the log on `process.stdout`. The process must call `flush` when it exits. */
export function openLog(
  stdout: { readonly fd: number; readonly isTTY: boolean },
  options: Pick<LoggerOptions, 'level' | 'instance'>,
): Log {
  const output = openLogOutput(stdout.fd, (lines) => logger.warn({ lines }, DROPPED));
  const logger = createLogger({ ...options, pretty: stdout.isTTY, destination: output });
  return { logger, droppedLines: output.droppedLines, flush: output.flush };
}

/** Makes a logger that writes JSON lines, or pretty lines. */
export function createLogger({ level: minimum, instance, pretty, destination }: LoggerOptions): Logger {
  const toLine = createJsonLine(instance);
  const on = (level: LogLevel) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(minimum)) return () => undefined;
    return (fields: object, message: string): void => {
      const line = toLine(level, fields, message);
      destination.write(pretty ? prettyLine(line) : line);
    };
  };
  return { debug: on('debug'), info: on('info'), warn: on('warn'), error: on('error') };
}

/** Returns the line of an event that happens now: one JSON object and a line feed. */
type ToLine = (level: string, fields: object, message: string) => string;

/** Makes the function that writes the lines of this instance. */
function createJsonLine(instance: string): ToLine {
  const origin = `"instance":${JSON.stringify(instance)}`;
  return (level, fields, message) => {
    const time = new Date().toISOString();
    const json = toJson(fields);
    const members = json === '{}' ? '' : `,${json.slice(1, -1)}`;
    return `{"level":"${level}","time":"${time}",${origin}${members},"msg":${JSON.stringify(message)}}\n`;
  };
}

const REDACTED: ReadonlySet<string> = new Set(REDACTED_FIELDS);

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
