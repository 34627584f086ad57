import type { FaultPoint, OnFaultPoint } from '../../../src/engine/fault-points.ts';

/**
 * What a replica does when it reaches a fault point: dies at once (`kill`), freezes until it is woken (`stop`), or
 * holds its event loop for so many milliseconds (`block`). Without a conversation, at the first one that comes there.
 */
export interface Fault {
  readonly point: FaultPoint;
  readonly action: 'kill' | 'stop' | `block=${number}`;
  readonly conversationUuid?: string;
}

/** As an environment variable holds them: `end.rendering:kill:<conversation>`, separated by commas. */
export const formatFaults = (faults: readonly Fault[]): string =>
  faults
    .map(({ point, action, conversationUuid }) => [point, action, conversationUuid ?? ''].join(':'))
    .join(',');

/** Does to this process what the variable's text says; each fault happens once. */
export const armFaults = (text: string): OnFaultPoint => {
  const armed = new Set(
    text
      .split(',')
      .filter((part) => part !== '')
      .map((part) => {
        const [point, action = '', conversationUuid = ''] = part.split(':');
        return { point, action, conversationUuid };
      }),
  );
  return (point, conversationUuid) => {
    for (const fault of armed) {
      if (fault.point !== point) continue;
      if (fault.conversationUuid !== '' && fault.conversationUuid !== conversationUuid) continue;
      armed.delete(fault);
      happen(fault.action);
    }
  };
};

const happen = (action: string): void => {
  // A signal to oneself is delivered before the call returns: not one more statement runs.
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action === 'stop') process.kill(process.pid, 'SIGSTOP');
  const blockMs = /^block=(\d+)$/.exec(action)?.[1];
  if (blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs));
};
