import type { StoredDecision } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import type { ExecutionFilter } from '../../store/execution-store.ts';

/** Reports whether an execution matches all fields of the filter that are set, as `listExecutions` of the store finds it. */
export function matchesFilter(execution: Execution, filter: ExecutionFilter): boolean {
  const { states, failureCodes, acceptedFromMs = -Infinity, acceptedToMs = Infinity } = filter;
  const { state, failure, acceptedAtMs } = execution;
  return (
    isNamed(execution, filter) &&
    (states.length === 0 || states.includes(state)) &&
    (failureCodes.length === 0 || (failure !== undefined && failureCodes.includes(failure.code))) &&
    isDecided(execution, filter.degraded, 'proceed_degraded') &&
    isDecided(execution, filter.rejected, 'block_rejected') &&
    acceptedAtMs >= acceptedFromMs &&
    acceptedAtMs < acceptedToMs
  );
}

const NAMES = ['agentUuid', 'conversationUuid', 'webhookUuid', 'webhookType'] as const;

function isNamed(execution: Execution, filter: ExecutionFilter): boolean {
  return NAMES.every((name) => filter[name] === undefined || filter[name] === execution[name]);
}

function isDecided(execution: Execution, isWanted: boolean | undefined, decision: StoredDecision): boolean {
  return isWanted === undefined || (execution.decision === decision) === isWanted;
}
