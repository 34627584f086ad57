import { decideReply } from '../../domain/call-decision.ts';
import type { StartVariables } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import type { OnCallStartReply } from './on-call-start.ts';

/** Returns a start's reply from its record. It is the same the first time and every other time. */
export function toStartReply(
  { execution, start }: { execution?: Execution; start: StartVariables },
  replayed: boolean,
): OnCallStartReply {
  const shown = execution?.state === 'no_webhook' ? undefined : execution;
  const { variables, sources, ...decided } = decideReply(shown, start);
  return {
    ...decided,
    dynamicVariables: variables,
    variableSources: sources,
    ...(shown ? { execution: shown } : {}),
    replayed,
  };
}
