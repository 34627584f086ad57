import { expect } from 'chai';
import { DatabaseError } from '../../src/errors.ts';
import { anAgent, anOutcome, aStart } from './samples.ts';
import { connectDirectly, openTested, rejection, type TestedDatabase, times } from './test-database.ts';

import { serverEngine, type FreshDatabase } from '../support/engines.ts';
import { until } from '../support/until.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

const server = serverEngine();
// The text of a batch ends so.
const COMMIT = ';COMMIT';
const LIMITS = { hot: 500, other: 2_500 };

/** Returns the error of a promise, and after how many milliseconds it was rejected. */
async function failure(promise: Promise<unknown>): Promise<{ kind: string; afterMs: number }> {
  const startedAtMs = performance.now();
  const error = await rejection(promise);
  expect(error).to.be.instanceOf(DatabaseError);
  return { kind: (error as DatabaseError).kind, afterMs: performance.now() - startedAtMs };
}

if (server !== undefined)
  describe('a database server in trouble', () => {
    let fresh: FreshDatabase;
    let proxy: TcpProxy;
    let database: TestedDatabase;
    const store = () => database.executions;
    beforeEach(async () => {
      fresh = await server.freshDatabase();
      const direct = await openTested({ url: fresh.url ?? '' });
      await direct.migrate();
      await direct.close();
      const url = new URL(fresh.url ?? '');
      proxy = await startTcpProxy(Number(url.port || 3306));
      url.port = String(proxy.port);
      // The proxy reads the statements.
      url.searchParams.set('ssl-mode', 'DISABLED');
      database = await openTested({ url: url.href, poolSize: 2, statementTimeoutMs: LIMITS });
    });
    afterEach(async () => {
      proxy.resume();
      await database.close();
      await proxy.close();
      await fresh.cleanup();
    });

    it('is away after the time limit of a statement when it is silent, and back when it answers', async () => {
      const start = aStart();
      await store().insertStarts([aStart()]);
      await store().findStart(start.conversationUuid);
      await store().countPending(1);
      proxy.silence();
      const [write, read, count] = await Promise.all([
        failure(store().insertStarts([start])),
        failure(store().findStart(start.conversationUuid)),
        failure(store().countPending(1)),
      ]);
      for (const { kind } of [write, read, count]) expect(kind).to.equal('away');
      for (const { afterMs } of [write, read])
        expect(afterMs).to.be.within(LIMITS.hot - 20, LIMITS.other - 500);
      expect(count.afterMs).to.be.within(LIMITS.other - 20, LIMITS.other + 2_000);
      proxy.resume();
      expect((await store().insertStarts([start]))[0]?.kind).to.equal('won');
    });

    it('rejects new connections and pings within two seconds when it is silent', async () => {
      proxy.silence();
      const results = await Promise.all([
        failure(database.ping()),
        failure(store().insertStarts([aStart()])),
        failure(database.agents.findAgent(aStart().agentUuid)),
      ]);
      for (const { kind, afterMs } of results) {
        expect(kind).to.equal('away');
        expect(afterMs).to.be.below(3_000);
      }
      proxy.resume();
      await database.ping();
    }).timeout(10_000);

    it('is away at once when it refuses connections', async () => {
      const gone = await openTested({ url: 'mysql://nobody:nothing@127.0.0.1:1/none' });
      const { kind, afterMs } = await failure(gone.ping());
      expect(kind).to.equal('away');
      expect(afterMs).to.be.below(3_000);
      await gone.close();
    });

    for (const moment of [
      'INSERT INTO executions',
      'LEFT JOIN purged_keys',
      'INSERT INTO execution_starts',
      'COMMIT',
    ])
      it(`that is cut at "${moment.replace('\u0003', '')}" leaves all of a claim or nothing, which a repeat decides`, async () => {
        const starts = times(3, () => aStart());
        for (let round = 0; round < 4; round += 1) {
          proxy.onText(moment, proxy.cut);
          expect((await failure(store().insertStarts(starts))).kind).to.equal('away');
        }
        // Four connections are lost. The pool has two, so it gets each of them back.
        const results = await Promise.all(times(6, () => store().insertStarts(starts)));
        for (const result of results)
          expect(result.map(({ kind }) => kind)).to.deep.equal(['won', 'won', 'won']);
        const found = await store().findStart(starts[0]?.conversationUuid ?? '');
        expect(found).to.deep.include({ start: starts[0]?.start });
      });

    it('is asked again on another connection when it drops one during a read', async () => {
      const start = aStart();
      await store().insertStarts([start]);
      const reads: Record<string, () => Promise<unknown>> = {
        'LEFT JOIN executions e': () => store().findStart(start.conversationUuid),
        'FROM agents': () => database.agents.findAgent(start.agentUuid),
        'SELECT accepted_at': () => store().listExecutions({ states: [], failureCodes: [] }, 10),
        'SELECT 1 AS one': () => database.ping(),
        'SET state = state': () => database.ping(),
      };
      for (const [text, read] of Object.entries(reads)) {
        const before = await read();
        let cuts = 0;
        proxy.onText(text, () => {
          cuts += 1;
          proxy.cut();
        });
        expect(await read(), text).to.deep.equal(before);
        expect(cuts, text).to.equal(1);
      }
    });

    it('gives the connection back when a commit gets no answer', async () => {
      const starts = times(2, () => aStart());
      for (const start of starts) {
        proxy.onText(COMMIT, proxy.silence);
        expect((await failure(store().insertStarts([start]))).kind).to.equal('away');
        proxy.resume();
      }
      for (const start of starts) expect((await store().insertStarts([start]))[0]?.kind).to.equal('won');
    });

    it('is away when it kills a connection in the middle of a statement', async () => {
      const agent = await database.agents.insertAgent(anAgent());
      const direct = connectDirectly(fresh);
      await direct.transaction(async (session) => {
        await session.rows('SELECT agent_uuid FROM agents FOR UPDATE');
        const waiting = failure(database.agents.replaceAgent(agent, agent));
        await until('the change waits for the lock', async () => {
          const sql =
            "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT etag FROM agents WHERE%'";
          const rows = await session.rows(sql);
          for (const { id } of rows) await session.change(`KILL ${String(id)}`);
          return rows.length > 0;
        });
        expect((await waiting).kind).to.equal('away');
      });
      await direct.close();
      expect(await database.agents.replaceAgent(agent, agent)).to.equal('changed');
    });

    it('answers a ping, which has a connection of its own, while all others wait for a row', async () => {
      const starts = times(8, () => aStart());
      await store().insertStarts(starts);
      const direct = connectDirectly(fresh);
      let answered = 0;
      const writes: Promise<unknown>[] = [];
      await direct.transaction(async (session) => {
        await session.rows('SELECT execution_uuid FROM executions FOR UPDATE');
        const answer = (): void => {
          answered += 1;
        };
        for (const start of starts)
          writes.push(
            store()
              .recordOutcomes([anOutcome(start)])
              .then(answer, answer),
          );
        await until('both connections wait', async () => {
          const sql =
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE '%UPDATE (SELECT%'";
          return (await session.rows(`${sql} AND id <> CONNECTION_ID()`)).length === 2;
        });
        await database.ping();
        expect(answered, 'the writes still wait').to.equal(0);
      });
      await Promise.all(writes);
      await direct.close();
    }).timeout(10_000);

    it('is busy after two seconds, and not away, when all connections are lent', async () => {
      const url = new URL(fresh.url ?? '');
      url.port = String(proxy.port);
      // The proxy reads the statements.
      url.searchParams.set('ssl-mode', 'DISABLED');
      const limits = { hot: 9_000, other: 9_000 };
      const busy = await openTested({ url: url.href, poolSize: 2, statementTimeoutMs: limits });
      const list = (count: number) => Promise.all(times(count, () => busy.agents.listAgents(10)));
      const direct = connectDirectly(fresh);
      const idle = () =>
        direct.use((session) =>
          session.rows(
            "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND command = 'Sleep' AND time >= 1",
          ),
        );
      const before = (await idle()).length;
      await list(40); // so many that both connections are begun
      // A connection that is still being made would say that the server is away.
      await until('both connections to be idle', async () => (await idle()).length >= before + 2);
      await direct.close();
      proxy.silence();
      const pages = list(2);
      const { kind, afterMs } = await failure(busy.executions.countPending(10));
      expect(kind).to.equal('busy');
      expect(afterMs).to.be.within(1_900, 4_000);
      proxy.resume();
      expect(await pages).to.deep.equal([{ items: [] }, { items: [] }]);
      await busy.close();
    }).timeout(20_000);
  });

if (server !== undefined)
  describe('a session on a server', () => {
    it('has the settings that the statements need, whatever the server has', async () => {
      const fresh = await server.freshDatabase();
      const direct = connectDirectly(fresh);
      const [row] = await direct.use((session) =>
        session.rows(
          'SELECT @@innodb_lock_wait_timeout AS lock_wait, @@wait_timeout AS idle, ' +
            '@@time_zone AS zone, @@sql_mode AS mode, @@collation_connection AS collation',
        ),
      );
      const [isolation] = await direct.use((session) =>
        session.rows(
          "SHOW SESSION VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')",
        ),
      );
      await direct.close();
      await fresh.cleanup();
      // MySQL and older releases of MariaDB have one of the two names each.
      expect(isolation).to.include({ Value: 'READ-COMMITTED' });
      expect(row).to.deep.equal({
        lock_wait: 1,
        idle: 30,
        zone: '+00:00',
        mode: 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
        collation: 'utf8mb4_bin',
      });
    });
  });
