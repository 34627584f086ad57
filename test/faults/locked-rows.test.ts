import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createConnection, type Connection } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { describeResponse } from './support/call-response.ts';
import { openClusterDatabase } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { reportFigures } from './support/report-figures.ts';
import { stalledBetween } from './support/stalls.ts';

const LIMIT_MS = 1_500;
// The other callers have to get their answer although a lock wait of a second comes before.
const OTHERS_LIMIT_MS = 5_000;
const OTHERS = 60;
const LOCKED = 30;
// A call takes at most so long besides.
const NOISE_MS = 1_500;
// One lock wait takes a second.
const OTHERS_WITHIN_MS = 1_000 + NOISE_MS;
// A conflict says that nothing of the transaction was written, so a call is withdrawn after one lock wait.
const LOCKED_WITHIN_MS = 1_000 + NOISE_MS;

// A statement that waits for a key locks the gap before it as well: in an empty table that would be half of all keys.
const OLD_ROWS = 4_000;
const ROWS_AT_ONCE = 200;

async function insertOldRows(cluster: Cluster): Promise<void> {
  const { executions, close } = await openClusterDatabase(cluster);
  for (let inserted = 0; inserted < OLD_ROWS; inserted += ROWS_AT_ONCE) {
    const starts = Array.from({ length: ROWS_AT_ONCE }, () => ({
      executionUuid: randomUUID(),
      agentUuid: randomUUID(),
      conversationUuid: randomUUID(),
      instance: 'long ago',
      startJson: JSON.stringify({ callerPhone: '', variables: {}, sources: {} }),
    }));
    await executions.insertStarts(starts);
  }
  await close();
}

function bytesOf(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

// A replica that freezes between its insert and its commit keeps the rows locked until the server closes its connection. Here
// a transaction of the test stands for it.
describeEachEngine('Conversations whose rows a frozen replica has locked', (engine) => {
  if (engine.name === 'sqlite') return;
  let cluster: Cluster;
  let frozen: Connection;
  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    await cluster.addReplica();
    await insertOldRows(cluster);
    frozen = await createConnection({ uri: cluster.url ?? '', timezone: 'Z' });
  });
  after(async () => {
    await frozen.end();
    await cluster.close();
  });

  const lockRows = async (conversationUuids: readonly string[], webhookType: number): Promise<void> => {
    await frozen.beginTransaction();
    for (const conversationUuid of conversationUuids)
      await frozen.query(
        'INSERT INTO executions (execution_uuid, conversation_uuid, webhook_type, state, state_at, accepted_at, ' +
          "agent_uuid, webhook_etag, instance) VALUES (?, ?, ?, 2, 0, 0, ?, '', 'frozen')",
        [bytesOf(randomUUID()), bytesOf(conversationUuid), webhookType, bytesOf(randomUUID())],
      );
  };

  for (const [rpc, webhookType] of [
    ['start', 1],
    ['end', 2],
  ] as const)
    it(`get LIMIT_REACHED for each ${rpc} after one lock wait, and delay the ${rpc}s of others by no more`, async function () {
      this.timeout(60_000);
      const agent = await cluster.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
      const othersAgent = await cluster.addAgent({
        preLimitMs: OTHERS_LIMIT_MS,
        postLimitMs: OTHERS_LIMIT_MS,
      });
      const replica = cluster.livingReplica();
      const locked = Array.from({ length: LOCKED }, () => randomUUID());
      await lockRows(locked, webhookType);
      const call = async (agentUuid: string, conversationUuid: string) => {
        const { callLog } = cluster;
        const sentAtMs = Date.now();
        const response = await callLog.call(replica, { rpc, agentUuid, conversationUuid });
        const respondedAtMs = Date.now();
        const tookMs = respondedAtMs - sentAtMs - stalledBetween(callLog.stalls, sentAtMs, respondedAtMs);
        return { response: describeResponse(response), tookMs };
      };
      const callLocked = () => Promise.all(locked.map((uuid) => call(agent.agentUuid, uuid)));
      const callOthers = (uuids: readonly string[]) =>
        Promise.all(uuids.map((uuid) => call(othersAgent.agentUuid, uuid)));
      // The platform repeats its calls while the rows stay locked.
      const others = Array.from({ length: OTHERS }, () => randomUUID());
      const beganAtMs = Date.now();
      const begun = [callLocked(), callOthers(others.slice(0, OTHERS / 2))] as const;
      const again = callLocked();
      const [first, early] = await Promise.all(begun);
      const [second, third, late] = await Promise.all([
        again,
        callLocked(),
        callOthers(others.slice(OTHERS / 2)),
      ]);
      const refused = [...first, ...second, ...third];
      for (const { response } of refused) expect(response, 'a locked one').to.equal('LIMIT_REACHED');
      const answered = [...early, ...late];
      const success = rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED';
      for (const { response } of answered) expect(response, 'another one').to.equal(success);
      const slowestOf = (calls: readonly { readonly tookMs: number }[]) =>
        Math.max(...calls.map(({ tookMs }) => tookMs));
      await onQuietMachine('nobody waits for more than one lock wait', beganAtMs, () => {
        expect(slowestOf(refused), 'the slowest locked one, ms').to.be.lessThan(LOCKED_WITHIN_MS);
        expect(slowestOf(answered), 'the slowest other one, ms').to.be.lessThan(OTHERS_WITHIN_MS);
      });
      await frozen.rollback();
      // A repeat is as good as a first call: nothing of the refused calls is on record.
      const repeats = (await callLocked()).map(({ response }) => response);
      expect([...new Set(repeats)], 'repeats').to.deep.equal([success]);
      reportFigures(`locked rows, ${rpc} (${engine.name})`, {
        locked: LOCKED,
        others: OTHERS,
        slowestMs: slowestOf(answered),
        lateMs: slowestOf(late),
      });
    });

  it('leave no execution unfinished', async function () {
    this.timeout(60_000);
    const figures = await cluster.check(20_000, {
      refusedAs: ['LIMIT_REACHED'],
      // Each call to a locked row is refused three times.
      refusedShare: 0.7,
      atLeast: { requests: 2 * OTHERS, replies: 2 * OTHERS },
    });
    reportFigures(`locked rows (${engine.name})`, { ...figures, violations: 0 });
  });
});
