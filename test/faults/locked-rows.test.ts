import { randomUUID } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { describeTold } from './support/describe-told.ts';
import { report } from './support/long.ts';
import { openRecord } from './support/record-on-disk.ts';
import { stalledBetween } from './support/stalls.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 1_500;
// Others have to get their answer although a lock wait of a second comes before.
const OTHERS_LIMIT_MS = 5_000;
const OTHERS = 60;
const HELD = 30;
// What a busy machine adds.
const NOISE_MS = 1_500;
// One lock wait of a second.
const OTHERS_WITHIN_MS = 1_000 + NOISE_MS;
// A conflict says that nothing of it was written: it is withdrawn, here after one lock wait.
const HELD_WITHIN_MS = 1_000 + NOISE_MS;

const bytesOf = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex');

// Who waits for a key holds the gap before it as well: in an empty table that would be half of all keys.
const OLD_ROWS = 4_000;
const ROWS_AT_ONCE = 200;

const fill = async (world: World): Promise<void> => {
  const { executions, close } = await openRecord(world);
  for (let filled = 0; filled < OLD_ROWS; filled += ROWS_AT_ONCE) {
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
};

// A replica that freezes between its insert and its commit keeps the key until the server closes its connection.
// Here the transaction of a dead hand stands for it.
describeEachEngine('Keys that a frozen replica holds in the middle of its claims', (engine) => {
  if (engine.name === 'sqlite') return;
  let world: World;
  let dead: Connection;
  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    await world.addReplica();
    await fill(world);
    dead = await createConnection({ uri: world.url ?? '', timezone: 'Z' });
  });
  after(async () => {
    await dead.end();
    await world.close();
  });

  const hold = async (conversationUuids: readonly string[], webhookType: number): Promise<void> => {
    await dead.beginTransaction();
    for (const conversationUuid of conversationUuids)
      await dead.query(
        'INSERT INTO executions (execution_uuid, conversation_uuid, webhook_type, state, state_at, accepted_at, ' +
          "agent_uuid, webhook_etag, instance) VALUES (?, ?, ?, 2, 0, 0, ?, '', 'frozen')",
        [bytesOf(randomUUID()), bytesOf(conversationUuid), webhookType, bytesOf(randomUUID())],
      );
  };

  for (const [rpc, webhookType] of [
    ['start', 1],
    ['end', 2],
  ] as const)
    it(`delay the ${rpc}s of others by little, and their own repeats are told so in time`, async function () {
      this.timeout(60_000);
      const agent = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
      const othersAgent = await world.addAgent({ preLimitMs: OTHERS_LIMIT_MS, postLimitMs: OTHERS_LIMIT_MS });
      const replica = world.living();
      const held = Array.from({ length: HELD }, () => randomUUID());
      await hold(held, webhookType);
      const call = async (agentUuid: string, conversationUuid: string) => {
        const sentAtMs = Date.now();
        const told = await world.journal.call(replica, { rpc, agentUuid, conversationUuid });
        const toldAtMs = Date.now();
        const tookMs = toldAtMs - sentAtMs - stalledBetween(world.journal.stalls, sentAtMs, toldAtMs);
        return { told: describeTold(told), tookMs };
      };
      const callHeld = () => Promise.all(held.map((uuid) => call(agent.agentUuid, uuid)));
      const callOthers = (uuids: readonly string[]) =>
        Promise.all(uuids.map((uuid) => call(othersAgent.agentUuid, uuid)));
      // The platform repeats its calls while the hand stays dead.
      const others = Array.from({ length: OTHERS }, () => randomUUID());
      const begun = [callHeld(), callOthers(others.slice(0, OTHERS / 2))] as const;
      const again = callHeld();
      const [first, early] = await Promise.all(begun);
      const [second, third, late] = await Promise.all([
        again,
        callHeld(),
        callOthers(others.slice(OTHERS / 2)),
      ]);
      for (const it of [...first, ...second, ...third]) {
        expect(it.told, 'a held one').to.equal('LIMIT_REACHED');
        expect(it.tookMs, 'a held one, ms').to.be.lessThan(HELD_WITHIN_MS);
      }
      const rest = [...early, ...late];
      for (const { told, tookMs } of rest) {
        expect(told, 'another one').to.equal(rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED');
        expect(tookMs, 'another one, ms').to.be.lessThan(OTHERS_WITHIN_MS);
      }
      await dead.rollback();
      // As good as new: nothing of what was refused is on record.
      const told = (await callHeld()).map((it) => it.told);
      expect([...new Set(told)], 'repeats').to.deep.equal([rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED']);
      const slowestMs = Math.max(...rest.map(({ tookMs }) => tookMs));
      const lateMs = Math.max(...late.map(({ tookMs }) => tookMs));
      report(`held keys, ${rpc} (mariadb)`, { held: HELD, others: OTHERS, slowestMs, lateMs });
    });

  it('leave nothing behind that never ends', async function () {
    this.timeout(60_000);
    const figures = await world.verdict(20_000, {
      refusedAs: ['LIMIT_REACHED'],
      // Each of the held ones is called three times in vain.
      refusedShare: 0.7,
      atLeast: { requests: 2 * OTHERS, replies: 2 * OTHERS },
    });
    report('held keys (mariadb)', { ...figures, violations: 0 });
  });
});
