/**
 * The edges of an execution's life at which a process can die. Somebody who watches them (a test that kills the
 * process) is handed in by the composition root; nothing outside of the code can arm them.
 */
export type EngineStep =
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
  | 'labelled';

/** Told of each step of each conversation as it is reached. */
export type OnStep = (step: EngineStep, conversationUuid: string) => void;
