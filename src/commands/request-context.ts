import type { Arrival } from '../engine/limits/call-gate.ts';

/** What the adapter knows of the RPC that a command serves. Instants are milliseconds of `performance.now()`. */
export interface RequestContext {
  readonly requestId: string;
  readonly admittedAtMs: number;
  /** Undefined when the caller gave no deadline. */
  readonly deadlineAtMs?: number;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** The executions that the caller says it is part of, from `callhooks-execution` and `baggage`. */
  readonly callingExecutionUuids: readonly string[];
  /** The caller's W3C trace context, unparsed. */
  readonly traceparent?: string;
  /** How many bytes the request message has. They are reserved while the call runs. */
  readonly requestBytes: number;
  /** Is told when the call no longer waits for its claim. */
  readonly arrival: Arrival;
}
