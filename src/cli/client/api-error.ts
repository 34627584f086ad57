import type { CallhooksClientError, StatusCode } from '../../api-client/client-error.ts';
import { CommandError } from '../frame/command.ts';
import { EXIT } from '../frame/exit-codes.ts';
import { plainLine } from '../frame/plain-text.ts';
import { adviceFor } from './api-advice.ts';
import type { ConnectionSettings } from './connection-settings.ts';

/** A field of the request with what is wrong with it. */
export interface ApiViolation {
  /** The path from the request message, such as `webhook_config.assignments[0].source`. */
  readonly field: string;
  readonly description: string;
}

/** What the server said when it refused, or why no answer came. */
export interface Refusal {
  /** The name of the gRPC status, such as `NOT_FOUND`. */
  readonly status: StatusCode;
  /** The name of callhooks for the reason, such as `AGENT_NOT_FOUND`. It is empty if callhooks did not answer. */
  readonly reason: string;
  /** What the server, or the library, says. */
  readonly detail: string;
  readonly violations: readonly ApiViolation[];
  /** How many violations there are. Not all of them may be listed. */
  readonly violationCount: number;
  readonly retryAfterMs: number | undefined;
  readonly requestId: string | undefined;
}

/** Is the error of an RPC. Its message is a text for people, of several lines. */
export class ApiError extends CommandError {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, settings: ConnectionSettings) {
    super(describeRefusal(refusal, settings), exitCodeOf(refusal));
    this.refusal = refusal;
  }
}

/** Makes an {@link ApiError} of the error of the client. */
export function toApiError(error: CallhooksClientError, settings: ConnectionSettings): ApiError {
  const conditions = error.preconditions.map(({ subject, description }) => ({ field: subject, description }));
  const violations = [...error.violations, ...conditions];
  const refusal: Refusal = {
    status: error.code,
    reason: error.reason ?? '',
    detail: error.message,
    violations,
    violationCount: Math.max(error.violationCount, violations.length),
    retryAfterMs: error.retryAfterMs,
    requestId: error.requestId,
  };
  return new ApiError(refusal, settings);
}

/** Returns the lines of the violations, and how many are not listed. `lineOf` may add where a field stands in a file. */
export function violationLines(
  { violations, violationCount }: Pick<Refusal, 'violations' | 'violationCount'>,
  lineOf: (field: string) => string = () => '',
): string[] {
  const lines = violations.map(
    ({ field, description }) =>
      `  ${plainLine(field || 'the request')}${lineOf(field)}: ${plainLine(description)}`,
  );
  const missing = violationCount - violations.length;
  return missing > 0 ? [...lines, `  and ${missing} more, which did not fit into the answer`] : lines;
}

function describeRefusal(refusal: Refusal, settings: ConnectionSettings): string {
  const { status, reason, detail, violations, requestId } = refusal;
  const name = reason === '' || reason === status ? status : `${status}, ${plainLine(reason)}`;
  return [
    // The message of a refusal with violations repeats the first one of them.
    violations.length > 0 ? `the server refused the request (${name})` : `${plainLine(detail)} (${name})`,
    ...violationLines(refusal),
    ...(requestId === undefined
      ? []
      : [`The log of the server has the cause, under the request id ${plainLine(requestId)}.`]),
    ...adviceFor(refusal, settings),
  ].join('\n');
}

function exitCodeOf({ status }: Refusal): number {
  if (status === 'UNAVAILABLE' || status === 'DEADLINE_EXCEEDED') return EXIT.unavailable;
  return status === 'INTERNAL' || status === 'UNKNOWN' ? EXIT.unexpected : EXIT.no;
}
