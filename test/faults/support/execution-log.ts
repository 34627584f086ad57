import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { Rpc } from '../../support/rpc.ts';
import { until } from '../../support/until.ts';

/** All executions of these agents, as a live replica lists them. */
export const listExecutions = async (
  rpc: Rpc,
  agentUuids: readonly string[],
  filter: { states?: readonly pb.ExecutionState[] } = {},
): Promise<readonly pb.Execution[]> => {
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
};

const OPEN = [pb.ExecutionState.EXECUTION_STATE_ACCEPTED, pb.ExecutionState.EXECUTION_STATE_SENDING];

/** Waits until each execution has an end, and gives them all; rejects after `withinMs`, naming some that have none. */
export const untilAllEnded = async (
  rpc: () => Rpc,
  agentUuids: readonly string[],
  withinMs: number,
): Promise<readonly pb.Execution[]> => {
  let open: readonly pb.Execution[] = [];
  const look = async (): Promise<boolean> => {
    open = await listExecutions(rpc(), agentUuids, { states: OPEN });
    return open.length === 0;
  };
  await until('each execution to have an end', look, { timeoutMs: withinMs, everyMs: 250 }).catch(
    (error: unknown) => {
      const some = open.slice(0, 5).map(({ executionUuid, state }) => `${executionUuid} ${nameOf(state)}`);
      throw new Error(`${open.length} executions have no end: ${some.join(', ')}`, { cause: error });
    },
  );
  return listExecutions(rpc(), agentUuids);
};

/** `SENDING` and so on. */
export const nameOf = (state: pb.ExecutionState | undefined): string =>
  (Object.entries(pb.ExecutionState).find(([, value]) => value === state)?.[0] ?? '(none)').replace(
    'EXECUTION_STATE_',
    '',
  );

/** `TIMEOUT` and so on; empty for a success. */
export const failureCodeOf = ({ failure }: Pick<pb.Execution, 'failure'>): string => {
  const name = Object.entries(pb.FailureCode).find(([, value]) => value === failure?.code)?.[0] ?? '';
  return name.replace('FAILURE_CODE_', '');
};

/** `TIMEOUT NO` and so on; empty for a success. */
export const failureOf = (execution: Pick<pb.Execution, 'failure'>): string =>
  execution.failure === undefined ? '' : `${failureCodeOf(execution)} ${sentOf(execution)}`;

/** `NO`, `MAYBE`, `YES`; empty for a success. */
export const sentOf = ({ failure }: Pick<pb.Execution, 'failure'>): string => {
  const name = Object.entries(pb.Sent).find(([, value]) => value === failure?.sent)?.[0] ?? '';
  return name.replace('SENT_', '');
};

/** The type of the webhook that it ran, in the receiver's words. */
export const typeOf = ({ webhookType }: Pick<pb.Execution, 'webhookType'>): 'pre_call' | 'post_call' =>
  webhookType === pb.WebhookType.WEBHOOK_TYPE_PRE_CALL ? 'pre_call' : 'post_call';
