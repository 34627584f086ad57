import type { Arrival } from '../engine/limits/call-gate.ts';

/** What the adapter knows of the RPC that a command serves. Instants are milliseconds of `performance.now()`. */
export interface RequestContext {
  readonly requestId: string;
  /** The name of the token that the request came with. It is undefined when this server has no tokens. */
  readonly caller?: string;
  readonly admittedAtMs: number;
  /** Undefined when the caller gave no deadline. */
  readonly deadlineAtMs?: number;
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** The executions that the caller says it is part of, from `callhooks-execution` and `baggage`. */
  readonly callingExecutionUuids: readonly string[];
  /** The W3C trace context that the call belongs to, in the form of version 00. */
  readonly traceparent?: string;
  /** How many bytes the request message has, as it came. They stay in memory until the RPC has ended. */
  readonly messageBytes: number;
  /** An estimate of the memory that the request message takes, as it came and decoded. It is reserved for the call. */
  readonly memoryBytes: number;
  /**
   * Waits for a pass of the event loop in which no other large request works. It is undefined for a request with few values,
   * whose checking and rendering take no time that others notice.
   */
  readonly ownTurn?: (() => Promise<void>) | undefined;
  /** Is told when the call no longer waits for its claim. */
  readonly arrival: Arrival;
}
