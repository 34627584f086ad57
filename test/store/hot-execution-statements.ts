import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { toBytes } from '../../src/store/sql/column-values.ts';
import { aClaim, anOutcome, aPostCall, aPostCallOutcome, aStart, aStartWithLimit } from './samples.ts';
import { interruptOverdue, times } from './test-database.ts';
import type { HotStatement, WaysByEngine } from './hot-statements.ts';

const DAY_MS = 86_400_000;
const EXPIRED = { code: 'EXPIRED', message: 'too old', sent: 'no' } as const;
const PURGED_KEY = 'INSERT INTO purged_keys (conversation_uuid, webhook_type, purged_day) VALUES (?, ?, 1)';

/** Returns the ways of inserts, and these. */
function insertsAnd(...ways: readonly string[]): WaysByEngine {
  const inserts = ['p by PRIMARY', 'o by executions_by_conversation'];
  const all = (more: readonly string[]): string[] => [...new Set([...inserts, ...more, ...ways])];
  return { sqlite: all([]), server: all(['e by PRIMARY']) };
}

/** Returns the ways of inserts and claims, and these. */
function claimsAnd(...ways: readonly string[]): WaysByEngine {
  const claims = ['e', 'd', 'v', 'r', 'a'].map((table) => `${table} by PRIMARY`);
  const { sqlite, server } = insertsAnd(...claims, 's by executions_by_conversation', ...ways);
  return { sqlite: [...new Set([...sqlite, ...A_ROW])], server };
}

const A_ROW = ['executions by PRIMARY'];
const PARTS = ['execution_starts by PRIMARY', 'execution_details by PRIMARY', 'execution_records by PRIMARY'];

/** The functions of the store of executions but for its lists. */
export const EXECUTION_STATEMENTS: Readonly<Record<string, HotStatement>> = {
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
      server: claimsAnd(...A_ROW).server,
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
    ways: ['e by PRIMARY', 'r by PRIMARY', 's by PRIMARY'],
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
      const starts = times(4, () => aStartWithLimit(-9_000));
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
    ways: insertsAnd(...A_ROW, 'e by PRIMARY', 'execution_details by PRIMARY'),
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
      await executions.insertStarts(times(50, () => aStartWithLimit(-9_000)));
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
  'find the oldest pending post-call': {
    ways: ['executions by executions_by_state'],
    run: ({ executions }) => executions.oldestPendingAgeMs(),
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
};

/** This one is the last, because nothing is sending after it. */
export const LAST_STATEMENTS: Readonly<Record<string, HotStatement>> = {
  'mark all sending executions interrupted': {
    ways: [...A_ROW, 'e by executions_by_state', 'p by PRIMARY'],
    run: ({ executions }) => executions.interruptAllSending(),
  },
};
