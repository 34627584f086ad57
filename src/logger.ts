import { createJsonLine } from './logging/json-line.ts';
import { openLogOutput, type LogOutput } from './logging/log-output.ts';
import { prettyLine } from './logging/pretty-line.ts';

export { describeError } from './logging/describe-error.ts';
export { REDACTED_FIELDS } from './logging/json-line.ts';

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
