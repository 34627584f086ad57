/**
 * The named places in the engine at which the fault suite stops or kills the process. A function that is called there is
 * handed in by app.ts; no setting can arm one.
 */
export type FaultPoint =
  | 'pre_call.unclaimed'
  | 'pre_call.claimed'
  | 'pre_call.answered'
  | 'pre_call.recorded'
  | 'post_call.unaccepted'
  | 'post_call.accepted'
  | 'post_call.unclaimed'
  | 'post_call.claimed'
  | 'post_call.rendering'
  | 'post_call.answered'
  | 'post_call.recorded'
  | 'post_call.expired'
  | 'interrupted';

/** Is called at each fault point that the execution of a conversation reaches. */
export type OnFaultPoint = (point: FaultPoint, conversationUuid: string) => void;
