export type Sent = 'no' | 'maybe' | 'yes';

export const FAILURE_CODES = [
  'TIMEOUT',
  'DNS',
  'CONNECT',
  'TLS',
  'PROTOCOL',
  'EGRESS_DENIED',
  'HTTP_STATUS',
  'REDIRECT',
  'RESPONSE_TOO_LARGE',
  'INVALID_RESPONSE',
  'ASSIGNMENT_MISSING',
  'RENDER',
  'OVERLOADED',
  'EXPIRED',
  'WEBHOOK_REMOVED',
  'INTERRUPTED',
  'SHUTDOWN',
  'INTERNAL',
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

/** Why an execution did not succeed; `message` may be shown to clients and holds no secret. */
export interface Failure {
  readonly code: FailureCode;
  readonly message: string;
  readonly sent: Sent;
}
