import { randomUUID } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { describeTold } from './support/describe-told.ts';
import { report } from './support/long.ts';
import { openRecord } from './support/record-on-disk.ts';
import { createWorld, type World } from './support/world.ts';

const LIMIT_MS = 1_500;
const OTHERS = 60;
// One lock wait of a second, and what a busy machine adds.
const OTHERS_WITHIN_MS = 2_500;
const HELD_WITHIN_MS = LIMIT_MS + 700;

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
      start: { callerPhone: '', variables: {}, sources: {} },
    }));
    await executions.insertStarts(starts);
  }
  await close();
};

// A replica that freezes between its insert and its commit keeps the key until the server closes its connection.
// Here the transaction of a dead hand stands for it.
describeEachEngine('A key that a frozen replica holds in the middle of its claim', (engine) => {
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

  const hold = async (conversationUuid: string, webhookType: number): Promise<void> => {
    await dead.beginTransaction();
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
    it(`delays the ${rpc}s of others by little, and its own repeat is told so in time`, async function () {
      this.timeout(60_000);
      const { agentUuid } = await world.addAgent({ preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS });
      const replica = world.living();
      const held = randomUUID();
      await hold(held, webhookType);
      const call = async (conversationUuid: string) => {
        const sentAtMs = performance.now();
        const told = await world.journal.call(replica, { rpc, agentUuid, conversationUuid });
        return { told: describeTold(told), tookMs: Math.round(performance.now() - sentAtMs) };
      };
      const others = Array.from({ length: OTHERS }, () => randomUUID());
      const [first, ...rest] = await Promise.all([call(held), ...others.map(call), call(held)]);
      const second = rest.pop();
      for (const it of [first, second]) {
        expect(it?.told, 'the held one').to.equal('DATABASE_UNAVAILABLE');
        expect(it?.tookMs, 'the held one, ms').to.be.lessThan(HELD_WITHIN_MS);
      }
      for (const { told, tookMs } of rest) {
        expect(told, 'another one').to.equal(rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED');
        expect(tookMs, 'another one, ms').to.be.lessThan(OTHERS_WITHIN_MS);
      }
      await dead.rollback();
      const slowestMs = Math.max(...rest.map(({ tookMs }) => tookMs));
      report(`a held key, ${rpc} (mariadb)`, { others: OTHERS, slowestMs, heldMs: first?.tookMs ?? 0 });
    });

  it('leaves nothing behind that never ends', async function () {
    this.timeout(60_000);
    const figures = await world.verdict(20_000);
    report('held keys (mariadb)', { ...figures, violations: 0 });
  });
});
