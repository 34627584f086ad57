import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Agent } from '../../src/domain/agent.ts';
import type { Value } from '../../src/store/sql/dialect.ts';
import type { AgentStore } from '../../src/store/agent-store.ts';
import type { ExecutionFilter } from '../../src/store/execution-store.ts';
import type { StoreByKind } from './by-kind.ts';
import { toBytes } from '../../src/store/sql/column-values.ts';
import type { Engine } from '../support/engines.ts';
import * as make from './support.ts';
import {
  aClaim,
  aStart,
  aPostCall,
  aPostCallOutcome,
  anOutcome,
  interruptOverdue,
  times,
  type TestedPostCall,
  type TestedStart,
} from './support.ts';

/** A filled database, and some rows that it has. */
export interface FilledDatabase {
  readonly executions: StoreByKind;
  readonly agents: AgentStore;
  readonly start: TestedStart;
  readonly postCall: TestedPostCall;
  readonly agent: Agent;
  /** Changes rows past the store. */
  change(sql: string, ...values: Value[]): Promise<void>;
}

/** A function of the stores that runs often, or that a caller waits for. */
export interface HotStatement {
  /** How its statements reach the tables (see `Plan`): in all of these ways, and in no other. */
  readonly ways: readonly string[] | Readonly<Record<Engine['name'], readonly string[]>>;
  /** True when it has no statement on SQLite, where no other process writes. */
  readonly isMysqlOnly?: true;
  run(database: FilledDatabase): Promise<unknown>;
}

const DAY_MS = 86_400_000;
const EXPIRED = { code: 'EXPIRED', message: 'too old', sent: 'no' } as const;
const PURGED_KEY = 'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES (?, ?, 1)';
const SEALED = { keyId: 'k', sealed: 's' };

/** Returns an agent with a webhook of each type, secrets and headers. */
export function anAgentWithParts() {
  const sealed = { first: SEALED, second: SEALED };
  const agent = make.anAgent({ sealedSecrets: sealed });
  const webhook = make.aWebhook(agent.agentUuid, { sealedHeaders: sealed });
  const other = make.aWebhook(agent.agentUuid, { webhookType: 'post_call', sealedHeaders: sealed });
  return { ...agent, webhooks: [webhook, other] };
}

function aPage(filter: (database: FilledDatabase) => Partial<ExecutionFilter>, isLater = false) {
  return (database: FilledDatabase) =>
    database.executions.listExecutions(
      { states: [], failureCodes: [], ...filter(database) },
      50,
      isLater ? { acceptedAtMs: Date.now() + 2_000, executionUuid: randomUUID() } : undefined,
    );
}

/** Returns the ways of inserts, and these. */
function insertsAnd(...ways: readonly string[]): Record<Engine['name'], readonly string[]> {
  const inserts = ['p by PRIMARY', 'o by executions_by_conversation'];
  const all = (more: readonly string[]): string[] => [...new Set([...inserts, ...more, ...ways])];
  return { sqlite: all([]), mariadb: all(['e by PRIMARY']) };
}

/** Returns the ways of inserts and claims, and these. */
function claimsAnd(...ways: readonly string[]): Record<Engine['name'], readonly string[]> {
  const claims = ['e', 'd', 'v', 'r', 'a'].map((table) => `${table} by PRIMARY`);
  const { sqlite, mariadb } = insertsAnd(...claims, 's by executions_by_conversation', ...ways);
  return { sqlite: [...new Set([...sqlite, ...A_ROW])], mariadb };
}

const A_ROW = ['executions by PRIMARY'];
const PARTS = ['execution_starts by PRIMARY', 'execution_details by PRIMARY', 'execution_records by PRIMARY'];
const A_LIST = ['executions by executions_by_time', 'e by executions_by_time'];
// Without a bound the first step begins at the start of its index, and reads no further than its LIMIT.
const FIRST_STEP = ['executions along executions_by_time', 'e by executions_by_time'];
const RARE = [...FIRST_STEP, 'executions by executions_by_time'];
const A_LIST_OF_AGENT = ['executions by executions_by_agent', 'e by executions_by_agent'];
const A_LIST_OF_CONVERSATION = [
  'executions by executions_by_conversation',
  'e by executions_by_conversation',
];
const AN_AGENT = ['a by PRIMARY', 'a by webhooks_by_agent', 'h by PRIMARY'];
const SIZES_OF_AGENTS = ['webhooks by webhooks_by_agent', 's by PRIMARY'];

/** Every function of the two stores, by what it does. */
export const HOT_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  'claim pre-calls': {
    ways: insertsAnd(),
    run: ({ executions }) => executions.insertStarts(times(50, () => aStart())),
  },
  'accept post-calls': {
    ways: insertsAnd(),
    run: ({ executions }) => executions.insertPostCalls(times(50, () => aPostCall())),
  },
  'claim post-calls, each twice': {
    ways: claimsAnd(),
    run: async ({ executions }) => {
      const postCalls = times(25, () => aPostCall());
      await executions.insertPostCalls(postCalls);
      const claims = [...postCalls, ...postCalls].map((postCall) => aClaim(postCall));
      await executions.claimPostCalls(claims);
    },
  },
  'record outcomes of pre-calls, each twice': {
    ways: insertsAnd(...A_ROW),
    run: async ({ executions }) => {
      const starts = times(25, () => aStart());
      await executions.insertStarts(starts);
      await executions.recordOutcomes([...starts, ...starts].map((start) => anOutcome(start)));
    },
  },
  'record outcomes of pre-calls and post-calls': {
    ways: {
      sqlite: [...claimsAnd().sqlite, 'execution_details by PRIMARY'],
      mariadb: claimsAnd(...A_ROW).mariadb,
    },
    run: async ({ executions }) => {
      const [starts, postCalls] = [times(20, () => aStart()), times(20, () => aPostCall())];
      await executions.insertStarts(starts);
      await executions.insertPostCalls(postCalls);
      const claims = postCalls.map((postCall) => aClaim(postCall));
      await executions.claimPostCalls(claims);
      const ofPostCalls = claims.map(({ claim }, at) =>
        aPostCallOutcome(postCalls[at] ?? aPostCall(), claim),
      );
      await executions.recordOutcomes([
        ...starts.map((start) => anOutcome(start, { assigned: {} })),
        ...ofPostCalls,
      ]);
    },
  },
  'find a start by its conversation': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY', 's by PRIMARY', 'r by PRIMARY'],
    run: ({ executions, start }) => executions.findStart(start.conversationUuid),
  },
  'find a post-call by its conversation': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY'],
    run: ({ executions, postCall }) => executions.findPostCall(postCall.conversationUuid),
  },
  'find both executions of a conversation': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY'],
    run: ({ executions, start }) => executions.findConversation(start.conversationUuid),
  },
  'find the details of a post-call': {
    ways: ['execution_details by PRIMARY'],
    run: ({ executions, postCall }) => executions.findDetails(postCall.executionUuid),
  },
  'find an execution by its uuid': {
    ways: ['e by PRIMARY', 'r by PRIMARY'],
    run: ({ executions, start }) => executions.findExecution(start.executionUuid),
  },
  'check whether an execution is sending': {
    ways: A_ROW,
    run: ({ executions, start }) => executions.isSending(start.executionUuid),
  },
  'find which starts are finished': {
    ways: ['executions by executions_by_conversation'],
    run: ({ executions }) => executions.findFinishedStarts(times(50, () => randomUUID())),
  },
  'read the clock': { ways: [], run: ({ executions }) => executions.nowMs() },
  'list webhooks with pending post-calls': {
    ways: ['executions by executions_waiting'],
    run: ({ executions }) => executions.listPendingWebhooks(),
  },
  'list pending post-calls of a webhook': {
    ways: ['e by executions_waiting', 'p by PRIMARY'],
    run: ({ executions, postCall }) => executions.listPendingPostCalls(postCall.webhookUuid, 100),
  },
  'list later pending post-calls of a webhook': {
    ways: ['e by executions_waiting', 'p by PRIMARY'],
    run: ({ executions, postCall: { webhookUuid, executionUuid } }) =>
      executions.listPendingPostCalls(webhookUuid, 100, { acceptedAtMs: Date.now(), executionUuid }),
  },
  'find locked rows': {
    isMysqlOnly: true,
    ways: ['executions by PRIMARY', 'executions by executions_by_conversation'],
    run: async ({ executions, start }) => {
      await executions.findUncommitted(
        'pre_call',
        times(50, () => randomUUID()),
      );
      await executions.findLocked([start.executionUuid, ...times(49, () => randomUUID())]);
    },
  },
  'remove rows under purged keys': {
    ways: insertsAnd(
      ...[...A_ROW, ...PARTS],
      ...[
        'e by executions_by_conversation',
        'e by executions_waiting',
        'e by executions_by_state',
        'e by PRIMARY',
      ],
    ),
    run: async ({ executions, change }) => {
      const starts = times(4, () => make.aStartWithLimit(-9_000));
      const webhookUuid = randomUUID();
      const postCalls = times(2, () => aPostCall({ webhookUuid }));
      await executions.insertStarts(starts);
      await executions.insertPostCalls(postCalls);
      for (const [type, rows] of [starts, postCalls].entries())
        for (const { conversationUuid } of rows)
          await change(PURGED_KEY, toBytes(conversationUuid), type + 1);
      await executions.insertStarts(starts.slice(2));
      await interruptOverdue(executions);
      await executions.listPendingPostCalls(webhookUuid, 100);
    },
  },
  'fail post-calls unsent': {
    ways: insertsAnd(...A_ROW, 'execution_details by PRIMARY'),
    run: async ({ executions }) => {
      const postCalls = times(50, () => aPostCall());
      await executions.insertPostCalls(postCalls);
      await executions.failUnsent(
        postCalls.map(({ executionUuid }) => executionUuid),
        EXPIRED,
      );
    },
  },
  'abandon a start': {
    ways: A_ROW,
    run: async ({ executions, start, change }) => {
      await executions.abandonStart(start.executionUuid);
      // MariaDB does not explain an update of a row that its guard excludes, so the row has to be sending.
      await change('UPDATE executions SET state = 2 WHERE execution_uuid = ?', toBytes(start.executionUuid));
    },
  },
  'mark overdue executions interrupted': {
    ways: insertsAnd(...A_ROW, 'e by executions_by_state', 'e by PRIMARY'),
    run: async ({ executions }) => {
      await executions.insertStarts(times(50, () => make.aStartWithLimit(-9_000)));
      await interruptOverdue(executions);
    },
  },
  'count overdue executions': {
    ways: ['executions by executions_by_state'],
    run: ({ executions }) => executions.countOverdue(60_000),
  },
  'count pending post-calls': {
    ways: ['executions by executions_by_state'],
    run: ({ executions }) => executions.countPending(2_000),
  },
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
  'purge executions': {
    ways: insertsAnd('executions by executions_by_state', ...A_ROW, ...PARTS),
    run: async ({ executions }) => {
      const starts = times(60, () => aStart());
      await executions.insertStarts(starts);
      await executions.recordOutcomes(starts.map((start) => anOutcome(start, { durationMs: -7_200_000 })));
      expect(await executions.purge(Date.now() - 3_600_000, 50)).to.equal(50);
    },
  },
  'forget purged keys': {
    ways: ['purged_keys by PRIMARY'],
    run: async ({ executions }) => {
      const next = await executions.forgetKeys(3 * DAY_MS, 100);
      await executions.forgetKeys(3 * DAY_MS, 100, next);
    },
  },
  'find an agent': {
    ways: AN_AGENT,
    run: ({ agents, agent }) => agents.findAgent(agent.agentUuid),
  },
  'find the agent of a webhook': {
    ways: [...AN_AGENT, 'w by PRIMARY'],
    run: ({ agents, agent }) => agents.findAgentOfWebhook(agent.webhooks[0]?.webhookUuid ?? ''),
  },
  'find the URLs of webhooks': {
    ways: ['webhooks by PRIMARY'],
    run: ({ agents, agent }) => agents.findUrls(agent.webhooks.map(({ webhookUuid }) => webhookUuid)),
  },
  'list agents': {
    ways: ['agents along PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50),
  },
  'list a later page of agents': {
    ways: ['agents by PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50, '80000000-0000-4000-8000-000000000000'),
  },
  'list webhooks': {
    ways: ['webhooks along PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50),
  },
  'list a later page of webhooks': {
    ways: ['webhooks by PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50, '80000000-0000-4000-8000-000000000000'),
  },
  'list the webhooks of an agent': {
    ways: ['webhooks by webhooks_by_agent', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents, agent }) => agents.listWebhooks(agent.agentUuid, 50),
  },
  'insert an agent': {
    ways: [],
    run: ({ agents }) => agents.insertAgent(anAgentWithParts()),
  },
  'change an agent': {
    ways: [
      'agents by PRIMARY',
      ...AN_AGENT,
      'webhooks by PRIMARY',
      'webhook_headers by PRIMARY',
      'agent_secrets by PRIMARY',
    ],
    run: async ({ agents }) => {
      const { agentUuid } = await agents.insertAgent(anAgentWithParts());
      const { agent } = await agents.readForChange(agentUuid);
      if (agent === undefined) throw new Error('it was just inserted');
      // One webhook is deleted, the other changes, and one sealed value of each kind is deleted.
      await agents.replaceAgent(agent, {
        ...agent,
        webhooks: agent.webhooks.slice(1).map((webhook) => ({
          ...webhook,
          disabled: true,
          sealedHeaders: { first: SEALED },
        })),
        sealedSecrets: { first: SEALED },
      });
    },
  },
  'delete an agent': {
    ways: [
      'agents by PRIMARY',
      ...AN_AGENT,
      'webhooks by PRIMARY',
      'webhook_headers by PRIMARY',
      'agent_secrets by PRIMARY',
    ],
    run: async ({ agents }) => {
      const { agentUuid } = await agents.insertAgent(anAgentWithParts());
      const { agent } = await agents.readForChange(agentUuid);
      if (agent !== undefined) await agents.replaceAgent(agent, undefined);
    },
  },
  // This is the last one, because nothing is sending after it.
  'mark all sending executions interrupted': {
    ways: [...A_ROW, 'e by executions_by_state', 'p by PRIMARY'],
    run: ({ executions }) => executions.interruptAllSending(),
  },
};
