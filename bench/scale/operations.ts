import { randomUUID } from 'node:crypto';
import { createIds } from '../../src/ids.ts';
import type { AgentStore } from '../../src/store/agent-store.ts';
import type { ExecutionFilter } from '../../src/store/execution-store.ts';
import type { NewPostCall, NewStart } from '../../src/store/write-batch.ts';
import { toUuid } from '../../src/store/sql/column-values.ts';
import type { StoreByKind } from '../../test/store/by-kind.ts';
import { aClaim, anOutcome, aPostCall, aPostCallOutcome, aStartWithLimit } from '../../test/store/samples.ts';
import { interruptOverdue, times } from '../../test/store/test-database.ts';
import type { Sample } from './fill.ts';

/** A filled database. */
export interface Filled {
  readonly executions: StoreByKind;
  readonly agents: AgentStore;
  readonly sample: Sample;
}

/** One measured operation. `make` prepares it and returns a function, whose time is taken. */
export interface Operation {
  readonly title: string;
  readonly make: (filled: Filled) => Promise<() => Promise<unknown>>;
}

const BATCH = 50;
const PAGE = 50;
const DAY_MS = 86_400_000;

// UUIDs begin with the time, as those of the service do, so that new rows lie together in a table of any size.
const { uuid } = createIds();
function newStart(timeLimitMs = 10_000): NewStart {
  return aStartWithLimit(timeLimitMs, { executionUuid: uuid() });
}

function newPostCall(): NewPostCall {
  return aPostCall({ executionUuid: uuid() });
}

function any(keys: readonly Buffer[]): string {
  return toUuid(keys[Math.floor(Math.random() * keys.length)] as Buffer);
}

function plain(title: string, run: (filled: Filled) => Promise<unknown>): Operation {
  return {
    title,
    make: (filled) => Promise.resolve(() => run(filled)),
  };
}

function page(title: string, filter: (sample: Sample) => Partial<ExecutionFilter>): Operation {
  return plain(title, ({ executions, sample }) =>
    executions.listExecutions({ states: [], failureCodes: [], ...filter(sample) }, PAGE),
  );
}

/** The operations that run for calls, in the background, and for operators. */
export const operations: readonly Operation[] = [
  plain(`${BATCH} claims of starts`, ({ executions }) =>
    executions.insertStarts(times(BATCH, () => newStart())),
  ),
  {
    title: `${BATCH} outcomes of starts`,
    make: async ({ executions }) => {
      const starts = times(BATCH, () => newStart());
      await executions.insertStarts(starts);
      return () => executions.recordOutcomes(starts.map((start) => anOutcome(start)));
    },
  },
  {
    title: `${BATCH} accepts, claims and outcomes of post-calls`,
    make: ({ executions }) =>
      Promise.resolve(async () => {
        const ends = times(BATCH, () => newPostCall());
        await executions.insertPostCalls(ends);
        const claims = ends.map((end) => aClaim(end));
        await executions.claimPostCalls(claims);
        await executions.recordOutcomes(
          claims.map(({ claim }, at) => aPostCallOutcome(ends[at] ?? newPostCall(), claim)),
        );
      }),
  },
  plain('the rows of a conversation', ({ executions, sample }) =>
    executions.findConversation(any(sample.conversations)),
  ),
  plain('a repeat of a start', ({ executions, sample }) => executions.findStart(any(sample.conversations))),
  plain('waiting for a start elsewhere', ({ executions }) =>
    executions.findFinishedStarts(times(BATCH, () => randomUUID())),
  ),
  plain('an agent', ({ agents, sample }) => agents.findAgent(any(sample.agents))),
  plain('one look for what waits', async ({ executions }) => {
    const [webhook] = await executions.listPendingWebhooks();
    await executions.listPendingPostCalls(webhook?.webhookUuid ?? randomUUID(), 100);
  }),
  plain('a label round that finds nothing', ({ executions }) => interruptOverdue(executions)),
  {
    title: `interruptions of ${BATCH} overdue starts`,
    make: async ({ executions }) => {
      await executions.insertStarts(times(BATCH, () => newStart(-9_000)));
      return () => interruptOverdue(executions);
    },
  },
  plain('the count of what is overdue', ({ executions }) => executions.countOverdue(DAY_MS * 365)),
  {
    title: `a purge of ${BATCH}`,
    make: async ({ executions }) => {
      const starts = times(BATCH, () => newStart());
      await executions.insertStarts(starts);
      await executions.recordOutcomes(starts.map((start) => anOutcome(start, { durationMs: -60 * DAY_MS })));
      return () => executions.purge(Date.now() - 40 * DAY_MS, BATCH);
    },
  },
  plain('an execution with its record', ({ executions, sample }) =>
    executions.findExecution(any(sample.executions)),
  ),
  page('a page of a conversation', ({ conversations }) => ({ conversationUuid: any(conversations) })),
  page('a page of an agent', ({ agents }) => ({ agentUuid: any(agents) })),
  page('a page of the largest agent', ({ largestAgent }) => ({ agentUuid: toUuid(largestAgent) })),
  page('a page of all', () => ({})),
  page('a page of what failed, of all', () => ({ states: ['failed'] })),
  plain('a page of agents', ({ agents }) => agents.listAgents(PAGE)),
];
