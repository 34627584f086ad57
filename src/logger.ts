import pino from 'pino';
import { openLogOutput, type LogOutput } from './logging/log-output.ts';
import { prettyLine } from './logging/pretty-line.ts';

/** The levels of `CALLHOOKS_LOG_LEVEL`, most telling first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Writes one event per call: fields first, then a fixed sentence without values in it. An error goes under `err`. Fields
 * never hold phone numbers, URL paths or queries, variable values or bodies; what {@link REDACTED_FIELDS} names is
 * dropped even where somebody forgot.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** Of the replica; stands in every line. */
  readonly instance: string;
  /** For people: a short coloured line instead of JSON. */
  readonly pretty: boolean;
  /** Takes whole lines. */
  readonly destination: { write(line: string): void };
}

/** Names of fields that never reach a log, at the top of an event or one level below. */
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

const DROPPED = 'log lines were dropped: standard output did not take them in time';

/** The log of a whole process. */
export interface Log extends Pick<LogOutput, 'droppedLines' | 'flush'> {
  readonly logger: Logger;
}

/** Opens the log of this process on `process.stdout`. The process has to call `flush` when it exits. */
export function openLog(
  stdout: { readonly fd: number; readonly isTTY: boolean },
  options: Pick<LoggerOptions, 'level' | 'instance'>,
): Log {
  const output = openLogOutput(stdout.fd, (lines) => logger.warn({ lines }, DROPPED));
  const logger = createLogger({ ...options, pretty: stdout.isTTY, destination: output });
  return { logger, droppedLines: output.droppedLines, flush: output.flush };
}

/** Creates a logger that writes JSON lines (pino), or pretty ones. */
export function createLogger({ destination, ...options }: LoggerOptions): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { instance: options.instance },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
    redact: { paths: REDACTED_FIELDS.flatMap((name) => [name, `*.${name}`]), remove: true },
  };
  if (!options.pretty) return pino(settings, destination);
  return pino(settings, { write: (line) => destination.write(prettyLine(line)) });
}

/** Of a driver's message, what stands in quotes after these words is a value from a row. */
const QUOTED_VALUE = /\b(entry|value|value:) '(?:[^'\\]|\\.|'')*'/gi;
const MAX_CAUSES = 5;

/**
 * An error as it is logged: type, message, place and causes, but none of a driver's other fields (statements, values),
 * and values quoted by a driver's message are left out.
 */
export function describeError(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, errno, reason, kind } = error as Error &
    Record<'code' | 'errno' | 'reason' | 'kind', unknown>;
  return {
    type: error.name,
    message: error.message.replace(QUOTED_VALUE, "$1 '…'"),
    code,
    errno,
    reason,
    kind,
    stack: error.stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: describeError(error.cause, depth + 1) }),
  };
}
