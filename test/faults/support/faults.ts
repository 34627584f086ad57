import type { FaultPoint, OnFaultPoint } from '../../../src/engine/fault-points.ts';

/**
 * Says what a replica does when it reaches a fault point. It dies at once (`kill`), freezes until it is woken (`stop`),
 * or blocks its event loop for so many milliseconds (`block`). Without a conversation, the first one that comes there counts.
 */
export interface Fault {
  readonly point: FaultPoint;
  readonly action: 'kill' | 'stop' | `block=${number}`;
  readonly conversationUuid?: string;
}

/** Writes faults as the text of an environment variable: `post_call.rendering:kill:<conversation>`, separated by commas. */
export function formatFaults(faults: readonly Fault[]): string {
  return faults
    .map(({ point, action, conversationUuid }) => [point, action, conversationUuid ?? ''].join(':'))
    .join(',');
}

/** Reads the text of `formatFaults`. Returns a watcher that does to this process what the text says, each fault once. */
export function armFaults(text: string): OnFaultPoint {
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
      inflict(fault.action);
    }
  };
}

function inflict(action: string): void {
  // A signal to oneself is delivered before the call returns, so not one more statement runs.
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  if (action === 'stop') process.kill(process.pid, 'SIGSTOP');
  const blockMs = /^block=(\d+)$/.exec(action)?.[1];
  if (blockMs !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(blockMs));
}
