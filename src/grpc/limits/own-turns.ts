import { setImmediate as nextPass } from 'node:timers/promises';

/** Resolves in a pass of the event loop in which it resolves for nobody else. */
export type OwnTurn = () => Promise<void>;

/** Makes the turns of a server: large pieces of work take them, so that other work comes between any two of them. */
export function createOwnTurns(): OwnTurn {
  let last = Promise.resolve();
  return () => {
    // All immediates that wait at the same time run in one pass. So each one is set only when the one before it has run.
    last = last.then(() => nextPass());
    return last;
  };
}
