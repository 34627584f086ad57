import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InsertResult, Outcome } from '../../src/store/write-batch.ts';
import { type TestedDatabase } from '../store/test-database.ts';
import { describeEachEngine } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { openClusterDatabase } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

const RACES = byRunLength({ short: 400, long: 10_000 });
const CALL_RACES = byRunLength({ short: 200, long: 10_000 });
const AT_ONCE = 20;
const HOUR_MS = 3_600_000;
const PURGE_LIMIT = 200;
const LIMIT_MS = 5_000;

const WEBHOOK = {
  webhookUuid: randomUUID(),
  webhookEtag: 'etag',
  failurePolicy: 'proceed',
  timeLimitMs: LIMIT_MS,
  timeLimitSource: 'config',
} as const;

const AGENT_UUID = randomUUID();

function aStart(conversationUuid: string) {
  return {
    executionUuid: randomUUID(),
    agentUuid: AGENT_UUID,
    conversationUuid,
    webhook: WEBHOOK,
    instance: 'race',
    startJson: JSON.stringify({ callerPhone: '', variables: {}, sources: {} }),
  };
}

function aPostCall(conversationUuid: string) {
  return {
    executionUuid: randomUUID(),
    agentUuid: AGENT_UUID,
    conversationUuid,
    webhookUuid: WEBHOOK.webhookUuid,
    instance: 'race',
    detailsJson: JSON.stringify({ callerPhone: '', metadata: {}, dynamicVariables: {} }),
  };
}

function succeeded(executionUuid: string, webhookType: Outcome['webhookType'], claim: string): Outcome {
  return {
    executionUuid,
    webhookType,
    claim,
    state: 'succeeded',
    webhookEtag: 'etag',
    timings: {},
    missingVariables: [],
    missedAssignments: [],
    durationMs: 0,
  };
}

/** Inserts a pre-call and a post-call of each of these conversations, both finished long enough ago for the purge. */
async function insertFinished(
  { executions }: TestedDatabase,
  conversationUuids: readonly string[],
): Promise<void> {
  const starts = conversationUuids.map(aStart);
  const postCalls = conversationUuids.map(aPostCall);
  await executions.insertStarts(starts);
  await executions.insertPostCalls(postCalls);
  // A post-call is not claimed while its pre-call is being sent.
  await executions.recordOutcomes(
    starts.map(({ executionUuid }) => succeeded(executionUuid, 'pre_call', executionUuid)),
  );
  const claims = postCalls.map(({ executionUuid }) => ({
    executionUuid,
    claim: randomUUID(),
    webhookEtag: 'etag',
    timeLimitMs: LIMIT_MS,
    instance: 'race',
  }));
  await executions.claimPostCalls(claims);
  await executions.recordOutcomes(
    claims.map(({ executionUuid, claim }) => succeeded(executionUuid, 'post_call', claim)),
  );
}

describeEachEngine('A purge and a repeat of the same conversation at once', (engine) => {
  let cluster: Cluster;
  before(async () => {
    cluster = await createCluster(engine);
  });
  after(() => cluster.close());

  it(`let no repeat win a claim, in ${2 * RACES} races in the store`, async function () {
    this.timeout(60_000 + RACES * 60);
    const startedAtMs = Date.now();
    const purger = await openClusterDatabase(cluster);
    await purger.migrate();
    // On SQLite there is one process with one connection; its statements interleave too.
    const repeater = engine.name === 'sqlite' ? purger : await openClusterDatabase(cluster);
    const results: Record<InsertResult['kind'], number> = {
      won: 0,
      lost: 0,
      purged: 0,
      other_agent: 0,
      undecided: 0,
    };
    // The purge took the row between the insert and the look at it: the writer repeats then, too.
    const untilDecided = async (insert: () => Promise<readonly InsertResult[]>): Promise<InsertResult> => {
      for (;;) {
        const [result] = await insert();
        if (result !== undefined && result.kind !== 'undecided') return result;
        results.undecided += 1;
      }
    };
    const purgeAll = async (): Promise<void> => {
      await purger.executions.purge(Date.now() + HOUR_MS, PURGE_LIMIT);
    };
    try {
      for (let raced = 0; raced < RACES; raced += AT_ONCE) {
        const conversationUuids = Array.from({ length: AT_ONCE }, () => randomUUID());
        await insertFinished(purger, conversationUuids);
        const repeat = (conversationUuid: string) =>
          Promise.all([
            untilDecided(() => repeater.executions.insertStarts([aStart(conversationUuid)])),
            untilDecided(() => repeater.executions.insertPostCalls([aPostCall(conversationUuid)])),
          ]);
        const [, ...repeats] = await Promise.all([purgeAll(), ...conversationUuids.map(repeat)]);
        for (const { kind } of repeats.flat()) results[kind] += 1;
        await purgeAll();
        const [again] = await repeater.executions.insertStarts([aStart(conversationUuids[0] ?? '')]);
        expect(again?.kind, 'after the purge').to.equal('purged');
      }
      const left = await repeater.executions.listExecutions({ states: [], failureCodes: [] }, 1);
      expect(left.items, 'rows left').to.have.length(0);
    } finally {
      await purger.close();
      if (repeater !== purger) await repeater.close();
    }
    expect(results.won, 'won by a repeat').to.equal(0);
    expect(results.lost + results.purged).to.equal(2 * RACES);
    // Without both results purge and repeat never met.
    expect(results.lost, 'answered from the record').to.be.above(0);
    expect(results.purged, 'purged').to.be.above(0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    reportFigures(`purge and repeat in the store (${engine.name})`, {
      races: 2 * RACES,
      ...results,
      seconds,
    });
  });

  // Only MariaDB takes a second connection beside a running server; the file of SQLite belongs to one process.
  if (engine.name !== 'sqlite')
    it(`send nothing again, in ${CALL_RACES} conversations of two replicas`, async function () {
      this.timeout(60_000 + CALL_RACES * 60);
      const startedAtMs = Date.now();
      await cluster.addReplicas(2);
      const { agentUuid } = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
      const purger = await openClusterDatabase(cluster);
      const responses = new Map<string, number>();
      const call = async (at: number, rpc: 'start' | 'end', conversationUuid: string): Promise<string> => {
        const replica = cluster.replicas[at % 2] ?? cluster.livingReplica();
        return describeResponse(await cluster.callLog.call(replica, { rpc, agentUuid, conversationUuid }));
      };
      try {
        for (let raced = 0; raced < CALL_RACES; raced += AT_ONCE) {
          const conversationUuids = Array.from({ length: AT_ONCE }, () => randomUUID());
          await Promise.all(conversationUuids.map((uuid, at) => call(at, 'start', uuid)));
          await Promise.all(conversationUuids.map((uuid, at) => call(at, 'end', uuid)));
          const repeats = conversationUuids.flatMap((uuid, at) => [
            call(at, 'start', uuid),
            call(at + 1, 'start', uuid),
            call(at, 'end', uuid),
          ]);
          const purges = [0, 1, 2, 3].map(() => purger.executions.purge(Date.now() + HOUR_MS, PURGE_LIMIT));
          await Promise.all(purges);
          for (const text of await Promise.all(repeats)) responses.set(text, (responses.get(text) ?? 0) + 1);
        }
      } finally {
        await purger.close();
      }
      const made = 2 * CALL_RACES;
      await until('all post-calls to be sent', () => cluster.recorder.requests().length >= made, {
        everyMs: 50,
      });
      const requests = cluster.recorder.requests();
      expect(requests.length, 'requests').to.equal(made);
      const keys = new Set(requests.map(({ type, conversationUuid }) => `${type} ${conversationUuid}`));
      expect(keys.size, 'requests').to.equal(requests.length);
      const unexpected = [...responses.keys()].filter(
        (text) => !/^(replayed (ACCEPTED|SENDING|SUCCEEDED)|CONVERSATION_PURGED)$/.test(text),
      );
      expect(unexpected).to.deep.equal([]);
      const purged = responses.get('CONVERSATION_PURGED') ?? 0;
      expect(purged, 'purged').to.be.within(1, 3 * CALL_RACES - 1);
      const seconds = Math.round((Date.now() - startedAtMs) / 1000);
      reportFigures(`purge and repeated calls (${engine.name})`, {
        races: 3 * CALL_RACES,
        ...Object.fromEntries(responses),
        seconds,
      });
    });
});
