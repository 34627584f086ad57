import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { stateName } from '../../support/execution-words.ts';
import type { Rpc } from '../../support/rpc.ts';
import { until } from '../../support/until.ts';

/** Lists all executions of these agents, as a live replica answers. */
export async function listExecutions(
  rpc: Rpc,
  agentUuids: readonly string[],
  filter: { states?: readonly pb.ExecutionState[] } = {},
): Promise<readonly pb.Execution[]> {
  const found: pb.Execution[] = [];
  for (const agentUuid of agentUuids) {
    for (let pageToken = ''; ;) {
      const page = await rpc.executions.listExecutions({ agentUuid, ...filter, pageSize: 200, pageToken });
      found.push(...page.executions);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
  }
  return found;
}

const OPEN = [pb.ExecutionState.EXECUTION_STATE_ACCEPTED, pb.ExecutionState.EXECUTION_STATE_SENDING];

/** Waits until each execution of these agents is finished, and returns them all. Rejects after `withinMs`, naming open ones. */
export async function untilAllFinished(
  rpc: () => Rpc,
  agentUuids: readonly string[],
  withinMs: number,
): Promise<readonly pb.Execution[]> {
  let open: readonly pb.Execution[] = [];
  const look = async (): Promise<boolean> => {
    open = await listExecutions(rpc(), agentUuids, { states: OPEN });
    return open.length === 0;
  };
  await until('each execution to be finished', look, { timeoutMs: withinMs, everyMs: 250 }).catch(
    (error: unknown) => {
      const some = open.slice(0, 5).map(({ executionUuid, state }) => `${executionUuid} ${stateName(state)}`);
      throw new Error(`${open.length} executions are not finished: ${some.join(', ')}`, { cause: error });
    },
  );
  return listExecutions(rpc(), agentUuids);
}

/** Returns the type of the webhook that an execution ran, in the recorder's words. */
export function typeOf({ webhookType }: Pick<pb.Execution, 'webhookType'>): 'pre_call' | 'post_call' {
  return webhookType === pb.WebhookType.WEBHOOK_TYPE_PRE_CALL ? 'pre_call' : 'post_call';
}
