import { constants } from 'node:os';
import type { Shell } from './shell.ts';

/** A signal that asks a process to end. */
export type StopSignal = 'SIGTERM' | 'SIGINT';

/** Listens for signals from now on. Returns the first one, and the second, which a person sends who does not want to wait. */
export function listenForSignals(shell: Shell): { first: Promise<StopSignal>; second: Promise<StopSignal> } {
  const first = Promise.withResolvers<StopSignal>();
  const second = Promise.withResolvers<StopSignal>();
  let count = 0;
  const onSignal = (signal: StopSignal): void => [first, second][count++]?.resolve(signal);
  shell.onSignal('SIGTERM', () => onSignal('SIGTERM'));
  shell.onSignal('SIGINT', () => onSignal('SIGINT'));
  return { first: first.promise, second: second.promise };
}

/** Returns the exit code of a process that a signal has ended: 130 for SIGINT, 143 for SIGTERM. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}
