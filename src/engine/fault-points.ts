/**
 * The points of an execution's life at which a process can die. A watcher (a test that kills the
 * process) is handed in by the composition root; nothing outside of the code can arm one.
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

/** Is told of each fault point of each conversation as it is reached. */
export type OnFaultPoint = (point: FaultPoint, conversationUuid: string) => void;
