/** What the engine measures. */
export interface EngineFigures {
  readonly preCallsInFlight: number;
  readonly postCallsInFlight: number;
  readonly bufferedBytes: number;
  /** Pending post-calls at the last count. */
  readonly pendingPostCalls: number;
  /** Executions that are not finished although their time is over, at the last count. */
  readonly overdue: number;
  /** How long ago the oldest pending post-call was accepted, at the last count; 0 when there was none. */
  readonly oldestPendingAgeMs: number;
  readonly databaseIsThere: boolean;
  /** How long the oldest write that a caller waits for has been waiting; 0 when there is none. */
  readonly writeQueueAgeMs: number;
  readonly writeQueueLength: number;
  /** Returns how many watchers of executions are open. */
  readonly watchers: number;
  /** Executions that watchers were not told of, since the start. */
  readonly watchDropped: number;
  /** Reports whether the gate would refuse a call that arrives now. */
  readonly isOverloaded: boolean;
}
