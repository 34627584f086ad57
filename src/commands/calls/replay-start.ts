import type { CallDetails, StartVariables } from '../../domain/call.ts';
import { isFinished } from '../../domain/execution.ts';
import type { Execution } from '../../domain/execution.ts';
import { sameJson } from '../../domain/json.ts';
import type { StartWaiters } from '../../engine/start-waiters.ts';
import { withTimeout } from '../../engine/writes/retry-write.ts';
import { CallhooksError, databaseUnavailable, DatabaseError } from '../../errors.ts';
import type { ExecutionStore, RecordedStart } from '../../store/execution-store.ts';
import { conversationPurged, refuseOtherAgent } from '../refusals.ts';
import type { RequestContext } from '../request-context.ts';
import { answerByMs } from './answer-by.ts';
import type { OnCallStartReply, OnCallStartRequest } from './on-call-start.ts';
import { toStartReply } from './start-reply.ts';

/** What answering from the record needs. */
export interface ReplayDeps {
  readonly store: Pick<ExecutionStore, 'findStart'>;
  readonly startWaiters: StartWaiters;
  /** Is told when a repeat has other call details than the first request. The recorded ones are kept. */
  readonly onOtherDetails: (execution: Execution) => void;
}

/**
 * Answers a repeat from the record, if need be after waiting for the running start to finish.
 * @throws CallhooksError CONVERSATION_AGENT_MISMATCH, CONVERSATION_PURGED, EXECUTION_RUNNING
 */
export async function replayStart(
  deps: ReplayDeps,
  request: OnCallStartRequest,
  context: RequestContext,
): Promise<OnCallStartReply> {
  const { conversationUuid } = request;
  context.arrival.decided();
  const first = await readStart(deps, conversationUuid);
  refuseOtherAgent([first.execution], request.agentUuid);
  if (differsFromStart(request.details, first.start)) deps.onOtherDetails(first.execution);
  let recorded = first;
  while (!isFinished(recorded.execution.state)) {
    // At the deadline the record is not read once more: if the database is silent at that moment, the read would take longer
    // than the caller waits.
    const untilMs = answerByMs(context);
    if (!(await deps.startWaiters.waitUntilFinished(conversationUuid, untilMs, context.signal)))
      throw stillRunning();
    recorded = await withTimeout(readStart(deps, conversationUuid), untilMs);
  }
  return toStartReply(recorded, true);
}

function stillRunning(): CallhooksError {
  return new CallhooksError('EXECUTION_RUNNING', 'the start of this conversation is still running', {
    retryAfterMs: 1_000,
  });
}

// The record can't be read now. That nothing was recorded, as the refusal of a busy database says, would be wrong here.
function findStart(
  { store }: ReplayDeps,
  conversationUuid: string,
): Promise<RecordedStart | 'purged' | undefined> {
  return store.findStart(conversationUuid).catch((error: unknown) => {
    throw error instanceof DatabaseError && error.kind === 'busy' ? databaseUnavailable(error) : error;
  });
}

// A call that lost to a row must find that row or its purged key. When it finds neither, it reads once more.
async function readStart(deps: ReplayDeps, conversationUuid: string): Promise<RecordedStart> {
  const found = (await findStart(deps, conversationUuid)) ?? (await findStart(deps, conversationUuid));
  if (found === 'purged') throw conversationPurged(conversationUuid);
  if (found === undefined) throw new Error(`the start of ${conversationUuid} is neither there nor purged`);
  return found;
}

// The record has the variables of the request merged with the defaults, and not its metadata. So only what the repeat
// says is compared.
function differsFromStart(details: CallDetails, start: StartVariables): boolean {
  return (
    details.callerPhone !== start.callerPhone ||
    Object.entries(details.dynamicVariables).some(([name, value]) => !sameJson(value, start.variables[name]))
  );
}
