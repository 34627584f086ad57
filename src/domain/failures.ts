import type { FailurePolicy } from './agent.ts';
import type { StoredDecision } from './call.ts';

/** Says whether the endpoint may have seen the request. */
export type Sent = 'no' | 'maybe' | 'yes';

interface FailureRow {
  /** The message of a failure about which nothing more is known. */
  readonly message: string;
  /** The value of `sent` that every failure of the code has, or `as observed` where each failure has its own. */
  readonly sent: Sent | 'as observed';
  /** The parts of callhooks that set the code. */
  readonly setBy: string;
}

/**
 * The table of failures, by code. The codes are those of the proto enum `FailureCode` without prefix, in its order.
 * docs/errors.md shows this table; tests hold the three together.
 */
export const FAILURES = {
  TIMEOUT: {
    message: 'the time limit ended before the response was complete',
    sent: 'as observed',
    setBy: 'HTTP client',
  },
  DNS: { message: 'the host name could not be resolved', sent: 'no', setBy: 'HTTP client' },
  CONNECT: { message: 'no TCP connection to the endpoint could be made', sent: 'no', setBy: 'HTTP client' },
  TLS: { message: 'the TLS handshake failed', sent: 'as observed', setBy: 'HTTP client' },
  PROTOCOL: {
    message: 'the connection broke, or the response is not valid HTTP',
    sent: 'as observed',
    setBy: 'HTTP client',
  },
  EGRESS_DENIED: { message: 'the egress policy forbids this target', sent: 'no', setBy: 'HTTP client' },
  HTTP_STATUS: { message: 'the status of the response is not 2xx', sent: 'yes', setBy: 'HTTP client' },
  REDIRECT: { message: 'redirects are not followed', sent: 'yes', setBy: 'HTTP client' },
  RESPONSE_TOO_LARGE: {
    message: 'the response body is larger than CALLHOOKS_MAX_RESPONSE_BYTES',
    sent: 'yes',
    setBy: 'HTTP client',
  },
  INVALID_RESPONSE: {
    message: 'the response body can not be read as JSON',
    sent: 'yes',
    setBy: 'HTTP client (codings), webhook run',
  },
  ASSIGNMENT_MISSING: {
    message: 'a required attribute is not in the response',
    sent: 'yes',
    setBy: 'webhook run',
  },
  RENDER: {
    message: 'the request could not be rendered with the values of the call',
    sent: 'no',
    setBy: 'webhook run',
  },
  OVERLOADED: {
    message: 'a limit of callhooks is reached',
    sent: 'as observed',
    setBy: 'OnCallStart (no request slot), HTTP client (no memory)',
  },
  EXPIRED: {
    message: 'the request could not begin within CALLHOOKS_START_BY',
    sent: 'no',
    setBy: 'post-call sender',
  },
  WEBHOOK_REMOVED: {
    message: 'the webhook was deleted or disabled before the request began',
    sent: 'no',
    setBy: 'post-call sender',
  },
  INTERRUPTED: {
    message: 'no outcome was recorded in time: the request may have been sent',
    sent: 'as observed',
    setBy: 'another replica (mark), the owner (abandoned claim)',
  },
  SHUTDOWN: {
    message: 'callhooks was shut down before the request had finished',
    sent: 'as observed',
    setBy: 'HTTP client, post-call sender',
  },
  INTERNAL: {
    message: 'internal error; the log has its cause',
    sent: 'as observed',
    setBy: 'any part',
  },
  AUTH: {
    message: 'the token endpoint gave no access token',
    sent: 'no',
    setBy: 'webhook run',
  },
} as const satisfies Readonly<Record<string, FailureRow>>;

/** Why an execution did not succeed: a key of {@link FAILURES}. */
export type FailureCode = keyof typeof FAILURES;

/** Every failure code, in the order of the table. */
export const FAILURE_CODES = Object.keys(FAILURES) as readonly FailureCode[];

/** The decision of each failure policy about a call whose pre-call failed or was interrupted. */
export const DECISION_AFTER_FAILURE: Readonly<Record<FailurePolicy, StoredDecision>> = {
  proceed: 'proceed_degraded',
  block: 'block',
};

/** A failure of an execution. Its message may be shown to clients and holds no secret. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly sent: Sent;
}

type ObservedCode = {
  [Code in FailureCode]: (typeof FAILURES)[Code]['sent'] extends Sent ? never : Code;
}[FailureCode];

type FixedCode = Exclude<FailureCode, ObservedCode>;

/** Returns a failure whose `sent` the table fixes. Without a message it has the one of the table. */
export function failureOf(code: FixedCode, message: string = FAILURES[code].message): Failure {
  return { code, message, sent: FAILURES[code].sent };
}

/** Returns a failure with the `sent` that was observed. Without a message it has the one of the table. */
export function observedFailure(
  code: ObservedCode,
  sent: Sent,
  message: string = FAILURES[code].message,
): Failure {
  return { code, message, sent };
}
