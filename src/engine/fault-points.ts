/**
 * The named places in the engine at which the fault suite stops or kills the process. A function that is called there is
 * handed in by app.ts; no setting can arm one.
 */
export type FaultPoint =
  | 'start.unclaimed'
  | 'start.claimed'
  | 'start.answered'
  | 'start.recorded'
  | 'end.unaccepted'
  | 'end.accepted'
  | 'end.unclaimed'
  | 'end.claimed'
  | 'end.rendering'
  | 'end.answered'
  | 'end.recorded'
  | 'end.expired'
  | 'interrupted';

/** Is called at each fault point that the execution of a conversation reaches. */
export type OnFaultPoint = (point: FaultPoint, conversationUuid: string) => void;
