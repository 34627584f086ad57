import { createJsonLine } from './logging/json-line.ts';
import { openLogOutput, type LogOutput } from './logging/log-output.ts';
import { prettyLine } from './logging/pretty-line.ts';

export { describeError } from './logging/describe-error.ts';
export { REDACTED_FIELDS } from './logging/json-line.ts';

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

/** Creates a logger that writes JSON lines, or pretty ones. */
export function createLogger({ level: least, instance, pretty, destination }: LoggerOptions): Logger {
  const toLine = createJsonLine(instance);
  const on = (level: LogLevel) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return () => undefined;
    return (fields: object, message: string): void => {
      const line = toLine(level, fields, message);
      destination.write(pretty ? prettyLine(line) : line);
    };
  };
  return { debug: on('debug'), info: on('info'), warn: on('warn'), error: on('error') };
}
