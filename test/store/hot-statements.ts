import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Agent } from '../../src/domain/agent.ts';
import type { Value } from '../../src/store/sql/dialect.ts';
import type { AgentStore } from '../../src/store/agent-store.ts';
import type { ExecutionFilter } from '../../src/store/execution-store.ts';
import type { StoreByKind } from './by-kind.ts';
import { toBytes } from '../../src/store/sql/uuid-bytes.ts';
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

/** A filled database, and what is known to be in it. */
export interface World {
  readonly executions: StoreByKind;
  readonly agents: AgentStore;
  readonly start: TestedStart;
  readonly postCall: TestedPostCall;
  readonly agent: Agent;
  /** Changes something from the outside. */
  change(sql: string, ...values: Value[]): Promise<void>;
}

/** Something that the stores do often or for somebody who waits. */
export interface Hot {
  /** How its statements may reach the tables (see `Plan`): all of these, and no other. */
  readonly ways: readonly string[] | Readonly<Record<Engine['name'], readonly string[]>>;
  /** Where nobody else writes there is nothing to look for. */
  readonly isMysqlOnly?: true;
  run(world: World): Promise<unknown>;
}

const DAY_MS = 86_400_000;
const EXPIRED = { code: 'EXPIRED', message: 'too old', sent: 'no' } as const;
const PURGED_KEY = 'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES (?, ?, 1)';
const SEALED = { keyId: 'k', sealed: 's' };

/** An agent with a webhook of each type, secrets and headers. */
export function anAgentWithParts() {
  const sealed = { first: SEALED, second: SEALED };
  const agent = make.anAgent({ sealedSecrets: sealed });
  const webhook = make.aWebhook(agent.agentUuid, { sealedHeaders: sealed });
  const other = make.aWebhook(agent.agentUuid, { webhookType: 'post_call', sealedHeaders: sealed });
  return { ...agent, webhooks: [webhook, other] };
}

function aPage(filter: (world: World) => Partial<ExecutionFilter>, isLater = false) {
  return (world: World) =>
    world.executions.listExecutions(
      { states: [], failureCodes: [], ...filter(world) },
      50,
      isLater ? { acceptedAtMs: Date.now() + 2_000, executionUuid: randomUUID() } : undefined,
    );
}

/** The ways of inserts, and these. */
function insertsAnd(...ways: readonly string[]): Record<Engine['name'], readonly string[]> {
  const inserts = ['p by PRIMARY', 'o by executions_by_conversation'];
  const all = (more: readonly string[]): string[] => [...new Set([...inserts, ...more, ...ways])];
  return { sqlite: all([]), mariadb: all(['e by PRIMARY']) };
}

/** The ways of inserts and claims, and these. */
function claimsAnd(...ways: readonly string[]): Record<Engine['name'], readonly string[]> {
  const claims = ['e', 'f', 'v', 'r', 'a'].map((table) => `${table} by PRIMARY`);
  const { sqlite, mariadb } = insertsAnd(...claims, 's by executions_by_conversation', ...ways);
  return { sqlite: [...new Set([...sqlite, ...A_ROW])], mariadb };
}

const A_ROW = ['executions by PRIMARY'];
const PARTS = ['execution_starts by PRIMARY', 'execution_details by PRIMARY', 'execution_records by PRIMARY'];
const A_LIST = ['executions by executions_by_time', 'e by executions_by_time'];
// Without a bound the first step begins where its index does, and reads no further than its LIMIT.
const FIRST_STEP = ['executions along executions_by_time', 'e by executions_by_time'];
const RARE = [...FIRST_STEP, 'executions by executions_by_time'];
const A_LIST_OF_AGENT = ['executions by executions_by_agent', 'e by executions_by_agent'];
const A_LIST_OF_CONVERSATION = [
  'executions by executions_by_conversation',
  'e by executions_by_conversation',
];
const AN_AGENT = ['a by PRIMARY', 'a by webhooks_by_agent', 'h by PRIMARY'];
const SIZES_OF_AGENTS = ['webhooks by webhooks_by_agent', 's by PRIMARY'];

/** Every function of the two stores, by what it is wanted for. */
export const HOT: Readonly<Record<string, Hot>> = {
  'claims of pre-calls': {
    ways: insertsAnd(),
    run: ({ executions }) => executions.insertStarts(times(50, () => aStart())),
  },
  'accepts of post-calls': {
    ways: insertsAnd(),
    run: ({ executions }) => executions.insertPostCalls(times(50, () => aPostCall())),
  },
  'claims of post-calls, with losers': {
    ways: claimsAnd(),
    run: async ({ executions }) => {
      const postCalls = times(25, () => aPostCall());
      await executions.insertPostCalls(postCalls);
      const claims = [...postCalls, ...postCalls].map((postCall) => aClaim(postCall));
      await executions.claimPostCalls(claims);
    },
  },
  'outcomes, with losers': {
    ways: insertsAnd(...A_ROW),
    run: async ({ executions }) => {
      const starts = times(25, () => aStart());
      await executions.insertStarts(starts);
      await executions.recordOutcomes([...starts, ...starts].map((start) => anOutcome(start)));
    },
  },
  'outcomes of pre-calls and post-calls': {
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
      const ofEnds = claims.map(({ claim }, at) => aPostCallOutcome(postCalls[at] ?? aPostCall(), claim));
      await executions.recordOutcomes([
        ...starts.map((start) => anOutcome(start, { assigned: {} })),
        ...ofEnds,
      ]);
    },
  },
  'the look for a start': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY', 's by PRIMARY', 'r by PRIMARY'],
    run: ({ executions, start }) => executions.findStart(start.conversationUuid),
  },
  'the look for an end': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY'],
    run: ({ executions, postCall }) => executions.findPostCall(postCall.conversationUuid),
  },
  'the look for a conversation': {
    ways: ['e by executions_by_conversation', 'p by PRIMARY'],
    run: ({ executions, start }) => executions.findConversation(start.conversationUuid),
  },
  'the look for details': {
    ways: ['execution_details by PRIMARY'],
    run: ({ executions, postCall }) => executions.findDetails(postCall.executionUuid),
  },
  'the look for an execution': {
    ways: ['e by PRIMARY', 'r by PRIMARY'],
    run: ({ executions, start }) => executions.findExecution(start.executionUuid),
  },
  'the look for chaining': {
    ways: A_ROW,
    run: ({ executions, start }) => executions.isSending(start.executionUuid),
  },
  'the look for ended starts': {
    ways: ['executions by executions_by_conversation'],
    run: ({ executions }) => executions.findFinishedStarts(times(50, () => randomUUID())),
  },
  'the look at the clock': { ways: [], run: ({ executions }) => executions.nowMs() },
  'the look for waiting webhooks': {
    ways: ['executions by executions_waiting'],
    run: ({ executions }) => executions.listPendingWebhooks(),
  },
  'the look for waiting post-calls': {
    ways: ['e by executions_waiting', 'p by PRIMARY'],
    run: ({ executions, postCall }) => executions.listPendingPostCalls(postCall.webhookUuid, 100),
  },
  'a later look for waiting post-calls': {
    ways: ['e by executions_waiting', 'p by PRIMARY'],
    run: ({ executions, postCall: { webhookUuid, executionUuid } }) =>
      executions.listPendingPostCalls(webhookUuid, 100, { acceptedAtMs: Date.now(), executionUuid }),
  },
  'the look for rows that somebody holds': {
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
  'rows that lie under purged keys': {
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
  'the ends of post-calls that are never sent': {
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
  'abandoning a start': {
    ways: A_ROW,
    run: async ({ executions, start, change }) => {
      await executions.abandonStart(start.executionUuid);
      // Of a row that the guard does not let MariaDB explains nothing: it has read it by its key.
      await change('UPDATE executions SET state = 2 WHERE execution_uuid = ?', toBytes(start.executionUuid));
    },
  },
  'marks of what is overdue': {
    ways: insertsAnd(...A_ROW, 'e by executions_by_state', 'e by PRIMARY'),
    run: async ({ executions }) => {
      await executions.insertStarts(times(50, () => make.aStartWithLimit(-9_000)));
      await interruptOverdue(executions);
    },
  },
  'the count of what is overdue': {
    ways: ['executions by executions_by_state'],
    run: ({ executions }) => executions.countOverdue(60_000),
  },
  'the count of what waits': {
    ways: ['executions by executions_by_state'],
    run: ({ executions }) => executions.countPending(2_000),
  },
  'a page of all': { ways: FIRST_STEP, run: aPage(() => ({})) },
  'a later page of all': { ways: A_LIST, run: aPage(() => ({}), true) },
  'a page of some time': {
    ways: A_LIST,
    run: aPage(() => ({ acceptedFromMs: Date.now() - DAY_MS, acceptedToMs: Date.now() + 2_000 })),
  },
  'a page of a state': { ways: RARE, run: aPage(() => ({ states: ['interrupted'] })) },
  'a page of a failure code': {
    ways: RARE,
    run: aPage(() => ({ failureCodes: ['DNS'] })),
  },
  'a page of degraded starts': { ways: RARE, run: aPage(() => ({ degraded: true })) },
  'a page of a type': { ways: FIRST_STEP, run: aPage(() => ({ webhookType: 'post_call' })) },
  'a page of an agent': { ways: A_LIST_OF_AGENT, run: aPage(({ start: { agentUuid } }) => ({ agentUuid })) },
  'a later page of an agent': {
    ways: A_LIST_OF_AGENT,
    run: aPage(({ start: { agentUuid } }) => ({ agentUuid }), true),
  },
  'a page of an agent’s states': {
    ways: A_LIST_OF_AGENT,
    run: aPage(({ start: { agentUuid } }) => ({ agentUuid, states: ['failed'], degraded: false })),
  },
  'a page of a webhook': {
    ways: [...A_LIST_OF_AGENT, 'webhooks by PRIMARY'],
    run: aPage(({ agent }) => ({ webhookUuid: agent.webhooks[0]?.webhookUuid ?? '' })),
  },
  'a page of a webhook that is not there': {
    ways: [...RARE, 'webhooks by PRIMARY'],
    run: async (world) => {
      const agent = anAgentWithParts();
      await aPage(() => ({ webhookUuid: agent.webhooks[0]?.webhookUuid ?? '' }))(world);
      // Of a row that is not there MariaDB explains nothing.
      await world.agents.insertAgent(agent);
    },
  },
  'a page of a conversation': {
    ways: A_LIST_OF_CONVERSATION,
    run: aPage(({ start: { conversationUuid } }) => ({ conversationUuid })),
  },
  'a page of a conversation with its agent': {
    ways: A_LIST_OF_CONVERSATION,
    run: aPage(({ start: { conversationUuid, agentUuid } }) => ({ conversationUuid, agentUuid })),
  },
  'the purge': {
    ways: insertsAnd('executions by executions_by_state', ...A_ROW, ...PARTS),
    run: async ({ executions }) => {
      const starts = times(60, () => aStart());
      await executions.insertStarts(starts);
      await executions.recordOutcomes(starts.map((start) => anOutcome(start, { durationMs: -7_200_000 })));
      expect(await executions.purge(Date.now() - 3_600_000, 50)).to.equal(50);
    },
  },
  'the forgetting of keys': {
    ways: ['purged_keys by PRIMARY'],
    run: async ({ executions }) => {
      const next = await executions.forgetKeys(3 * DAY_MS, 100);
      await executions.forgetKeys(3 * DAY_MS, 100, next);
    },
  },
  'the look for an agent': {
    ways: AN_AGENT,
    run: ({ agents, agent }) => agents.findAgent(agent.agentUuid),
  },
  'the look for the agent of a webhook': {
    ways: [...AN_AGENT, 'w by PRIMARY'],
    run: ({ agents, agent }) => agents.findAgentOfWebhook(agent.webhooks[0]?.webhookUuid ?? ''),
  },
  'the look for URLs': {
    ways: ['webhooks by PRIMARY'],
    run: ({ agents, agent }) => agents.findUrls(agent.webhooks.map(({ webhookUuid }) => webhookUuid)),
  },
  'a page of agents': {
    ways: ['agents along PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50),
  },
  'a later page of agents': {
    ways: ['agents by PRIMARY', ...SIZES_OF_AGENTS, ...AN_AGENT],
    run: ({ agents }) => agents.listAgents(50, '80000000-0000-4000-8000-000000000000'),
  },
  'a page of webhooks': {
    ways: ['webhooks along PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50),
  },
  'a later page of webhooks': {
    ways: ['webhooks by PRIMARY', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents }) => agents.listWebhooks(undefined, 50, '80000000-0000-4000-8000-000000000000'),
  },
  'a page of the webhooks of an agent': {
    ways: ['webhooks by webhooks_by_agent', 'a by PRIMARY', 'h by PRIMARY'],
    run: ({ agents, agent }) => agents.listWebhooks(agent.agentUuid, 50),
  },
  'the making of an agent': {
    ways: [],
    run: ({ agents }) => agents.insertAgent(anAgentWithParts()),
  },
  'the change of an agent': {
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
      // One webhook goes, the other changes, and of what is sealed one value goes.
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
  'the removal of an agent': {
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
  // The last: nothing is sending after it.
  'marks of all that is sending': {
    ways: [...A_ROW, 'e by executions_by_state', 'p by PRIMARY'],
    run: ({ executions }) => executions.interruptAllSending(),
  },
};
