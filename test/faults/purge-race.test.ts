import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InsertResult, Outcome } from '../../src/store/write-batch.ts';
import { describeEachEngine } from '../support/engines.ts';
import { describeTold } from './support/describe-told.ts';
import { inForm, report } from './support/long.ts';
import type { TestedDatabase } from '../store/support.ts';
import { openRecord } from './support/record-on-disk.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

const RACES = inForm({ short: 400, long: 10_000 });
const CALL_RACES = inForm({ short: 200, long: 10_000 });
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

const aStart = (conversationUuid: string) => ({
  executionUuid: randomUUID(),
  agentUuid: AGENT_UUID,
  conversationUuid,
  webhook: WEBHOOK,
  instance: 'race',
  startJson: JSON.stringify({ callerPhone: '', variables: {}, sources: {} }),
});

const aPostCall = (conversationUuid: string) => ({
  executionUuid: randomUUID(),
  agentUuid: AGENT_UUID,
  conversationUuid,
  webhookUuid: WEBHOOK.webhookUuid,
  instance: 'race',
  detailsJson: JSON.stringify({ callerPhone: '', metadata: {}, dynamicVariables: {} }),
});

const succeeded = (executionUuid: string, webhookType: Outcome['webhookType'], claim: string): Outcome => ({
  ...{ executionUuid, webhookType, claim, state: 'succeeded', webhookEtag: 'etag', timings: {} },
  ...{ missingVariables: [], missedAssignments: [], durationMs: 0 },
});

/** A start and an end of each of these conversations, both ended long ago as far as the purge knows. */
const putEnded = async (
  { executions }: TestedDatabase,
  conversationUuids: readonly string[],
): Promise<void> => {
  const starts = conversationUuids.map(aStart);
  const postCalls = conversationUuids.map(aPostCall);
  await executions.insertStarts(starts);
  await executions.insertPostCalls(postCalls);
  const claims = postCalls.map(({ executionUuid }) => ({
    ...{ executionUuid, claim: randomUUID(), webhookEtag: 'etag', timeLimitMs: LIMIT_MS, instance: 'race' },
  }));
  // An end is not claimed while its start is being sent.
  await executions.recordOutcomes(
    starts.map(({ executionUuid }) => succeeded(executionUuid, 'pre_call', executionUuid)),
  );
  await executions.claimPostCalls(claims);
  await executions.recordOutcomes(
    claims.map(({ executionUuid, claim }) => succeeded(executionUuid, 'post_call', claim)),
  );
};

describeEachEngine('A purge and a repeat of the same conversation at once', (engine) => {
  let world: World;
  before(async () => {
    world = await createWorld(engine);
  });
  after(() => world.close());

  it(`never begin anything again, in ${2 * RACES} races in the store`, async function () {
    this.timeout(60_000 + RACES * 60);
    const startedAtMs = Date.now();
    const purger = await openRecord(world);
    await purger.migrate();
    // On SQLite there is one process and one connection: its statements interleave, too.
    const repeater = engine.name === 'sqlite' ? purger : await openRecord(world);
    const told: Record<InsertResult['kind'], number> = {
      won: 0,
      lost: 0,
      purged: 0,
      other_agent: 0,
      undecided: 0,
    };
    // As the writer does: the purge took the row between the insert and the look at it.
    const untilSettled = async (insert: () => Promise<readonly InsertResult[]>): Promise<InsertResult> => {
      for (;;) {
        const [result] = await insert();
        if (result !== undefined && result.kind !== 'undecided') return result;
        told.undecided += 1;
      }
    };
    const purgeAll = async (): Promise<void> => {
      await purger.executions.purge(Date.now() + HOUR_MS, PURGE_LIMIT);
    };
    try {
      for (let raced = 0; raced < RACES; raced += AT_ONCE) {
        const conversationUuids = Array.from({ length: AT_ONCE }, () => randomUUID());
        await putEnded(purger, conversationUuids);
        const repeat = (conversationUuid: string) =>
          Promise.all([
            untilSettled(() => repeater.executions.insertStarts([aStart(conversationUuid)])),
            untilSettled(() => repeater.executions.insertPostCalls([aPostCall(conversationUuid)])),
          ]);
        const [, ...results] = await Promise.all([purgeAll(), ...conversationUuids.map(repeat)]);
        for (const { kind } of results.flat()) told[kind] += 1;
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
    expect(told.won, 'won by a repeat').to.equal(0);
    expect(told.lost + told.purged).to.equal(2 * RACES);
    // Else the two never met.
    expect(told.lost, 'answered from the record').to.be.above(0);
    expect(told.purged, 'purged').to.be.above(0);
    const seconds = Math.round((Date.now() - startedAtMs) / 1000);
    report(`purge and repeat in the store (${engine.name})`, { races: 2 * RACES, ...told, seconds });
  });

  // A second connection beside a running server is MariaDB's business; SQLite's file is one process's alone.
  if (engine.name === 'mariadb')
    it(`never send anything again, in ${CALL_RACES} conversations of two replicas`, async function () {
      this.timeout(60_000 + CALL_RACES * 60);
      const startedAtMs = Date.now();
      await world.addReplicas(2);
      const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
      const purger = await openRecord(world);
      const told = new Map<string, number>();
      const call = async (at: number, rpc: 'start' | 'end', conversationUuid: string): Promise<string> => {
        const replica = world.replicas[at % 2] ?? world.living();
        return describeTold(await world.journal.call(replica, { rpc, agentUuid, conversationUuid }));
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
          for (const text of await Promise.all(repeats)) told.set(text, (told.get(text) ?? 0) + 1);
        }
      } finally {
        await purger.close();
      }
      const made = 2 * CALL_RACES;
      await until('all post-calls to be sent', () => world.recorder.requests().length >= made);
      const requests = world.recorder.requests();
      expect(requests.length, 'requests').to.equal(made);
      const keys = new Set(requests.map(({ type, conversationUuid }) => `${type} ${conversationUuid}`));
      expect(keys.size, 'requests').to.equal(requests.length);
      const unexpected = [...told.keys()].filter(
        (text) => !/^(replayed (ACCEPTED|SENDING|SUCCEEDED)|CONVERSATION_PURGED)$/.test(text),
      );
      expect(unexpected).to.deep.equal([]);
      const purged = told.get('CONVERSATION_PURGED') ?? 0;
      expect(purged, 'purged').to.be.within(1, 3 * CALL_RACES - 1);
      const seconds = Math.round((Date.now() - startedAtMs) / 1000);
      report('purge and repeated calls (mariadb)', {
        races: 3 * CALL_RACES,
        ...Object.fromEntries(told),
        seconds,
      });
    });
});
