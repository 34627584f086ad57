import { randomUUID } from 'node:crypto';
import type { ExecutionFilter } from '../../src/store/execution-store.ts';
import { anAgentWithParts } from './samples.ts';
import type { FilledDatabase, HotStatement } from './hot-statements.ts';

const DAY_MS = 86_400_000;
const A_LIST = ['executions by executions_by_time', 'e by executions_by_time'];
// Without a bound the first step begins at the start of its index, and reads no further than its LIMIT.
const FIRST_STEP = ['executions along executions_by_time', 'e by executions_by_time'];
const RARE = [...FIRST_STEP, 'executions by executions_by_time'];
const A_LIST_OF_AGENT = ['executions by executions_by_agent', 'e by executions_by_agent'];
const A_LIST_OF_CONVERSATION = [
  'executions by executions_by_conversation',
  'e by executions_by_conversation',
];

function aPage(filter: (database: FilledDatabase) => Partial<ExecutionFilter>, isLater = false) {
  return (database: FilledDatabase) =>
    database.executions.listExecutions(
      { states: [], failureCodes: [], ...filter(database) },
      50,
      isLater ? { acceptedAtMs: Date.now() + 2_000, executionUuid: randomUUID() } : undefined,
    );
}

/** The lists of executions, with each kind of filter. */
export const LIST_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  'list all executions': { ways: FIRST_STEP, run: aPage(() => ({})) },
  'list a later page of all executions': { ways: A_LIST, run: aPage(() => ({}), true) },
  'list executions of some time': {
    ways: A_LIST,
    run: aPage(() => ({ acceptedFromMs: Date.now() - DAY_MS, acceptedToMs: Date.now() + 2_000 })),
  },
  'list executions of a state': { ways: RARE, run: aPage(() => ({ states: ['interrupted'] })) },
  'list executions with a failure code': {
    ways: RARE,
    run: aPage(() => ({ failureCodes: ['DNS'] })),
  },
  'list degraded executions': { ways: RARE, run: aPage(() => ({ degraded: true })) },
  'list rejected executions': { ways: RARE, run: aPage(() => ({ rejected: true })) },
  'list executions that are not rejected': { ways: FIRST_STEP, run: aPage(() => ({ rejected: false })) },
  'list executions of a webhook type': { ways: FIRST_STEP, run: aPage(() => ({ webhookType: 'post_call' })) },
  'list executions of an agent': {
    ways: A_LIST_OF_AGENT,
    run: aPage(({ start: { agentUuid } }) => ({ agentUuid })),
  },
  'list a later page of an agent': {
    ways: A_LIST_OF_AGENT,
    run: aPage(({ start: { agentUuid } }) => ({ agentUuid }), true),
  },
  'list executions of an agent in a state': {
    ways: A_LIST_OF_AGENT,
    run: aPage(({ start: { agentUuid } }) => ({ agentUuid, states: ['failed'], degraded: false })),
  },
  'list executions of a webhook': {
    ways: [...A_LIST_OF_AGENT, 'webhooks by PRIMARY'],
    run: aPage(({ agent }) => ({ webhookUuid: agent.webhooks[0]?.webhookUuid ?? '' })),
  },
  'list executions of a webhook that is gone': {
    ways: [...RARE, 'webhooks by PRIMARY'],
    run: async (database) => {
      const agent = anAgentWithParts();
      await aPage(() => ({ webhookUuid: agent.webhooks[0]?.webhookUuid ?? '' }))(database);
      // MariaDB does not explain a read of a row that does not exist.
      await database.agents.insertAgent(agent);
    },
  },
  'list executions of a conversation': {
    ways: A_LIST_OF_CONVERSATION,
    run: aPage(({ start: { conversationUuid } }) => ({ conversationUuid })),
  },
  'list executions of a conversation and its agent': {
    ways: A_LIST_OF_CONVERSATION,
    run: aPage(({ start: { conversationUuid, agentUuid } }) => ({ conversationUuid, agentUuid })),
  },
};
