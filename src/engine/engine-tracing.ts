/** What the engine needs of traces. The engine has none while nobody asks for traces. */
export interface EngineTracing {
  /** Returns the database operations with their spans. */
  withDatabaseSpans<T extends object>(statements: T): T;
  /**
   * Begins the span of a post-call that was just claimed, in the trace of its `OnCallEnd`. `startedAtMs` is the instant of
   * `performance.now()` at which the claim began.
   */
  startPostCall(traceparent: string | undefined, startedAtMs: number): PostCallSpan;
  /** Runs background work that an RPC sets off, as a part of no span. */
  apart<T>(work: () => T): T;
}

/** The span of a claimed post-call. */
export interface PostCallSpan {
  /** The W3C trace context of the span. */
  readonly traceparent: string;
  /** Runs the work, and all that it waits for, as a part of the span. */
  run<T>(work: () => T): T;
  end(): void;
}
