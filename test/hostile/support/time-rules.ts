import { expect } from 'chai';
import { onQuietMachine, watchMachine } from '../../support/quiet-machine.ts';
import type { Toll } from './watched-server.ts';

watchMachine();

/**
 * Expects that an attack kept the event loop working without a break for less than `mostMs`. The measure is CPU time, but
 * while a virtual machine is paused the CPU time of its running thread goes on. So a busy machine does not decide.
 */
export async function expectShortWork({ longestBusyMs, fromMs }: Toll, mostMs: number): Promise<void> {
  await expectWithin('longest work without a break', longestBusyMs, mostMs, fromMs);
}

/** Expects that a time measured since `fromMs` (epoch milliseconds) is below `mostMs`. A busy machine does not decide. */
export async function expectWithin(what: string, ms: number, mostMs: number, fromMs: number): Promise<void> {
  await onQuietMachine(what, fromMs, () => expect(ms, what).to.be.below(mostMs));
}
