import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { createConnection } from 'mysql2/promise';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';
import { describeResponse } from './support/call-response.ts';
import { isFinished, POST_CALL_CLAIM, useCutWrites } from './support/cut-writes.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { listConnections } from './support/kill-connection.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

const LIMIT_MS = 6_000;
const MARK_AFTER_LIMIT_MS = 5_000;
// A call takes at most so long besides.
const NOISE_MS = 1_000;
// An answer waits so long for its record.
const WAITS_FOR_RECORD_MS = 5_000;
const ALL_FINISHED_WITHIN_MS = 30_000;

/** Lists how a foreign transaction ends that has locked the row of an outcome, and what the caller gets before. */
const LOCKS = [
  { rpc: 'start', what: 'a start', ends: 'is rolled back', response: 'OUTCOME_NOT_RECORDED' },
  { rpc: 'start', what: 'a start', ends: 'loses its client', response: 'OUTCOME_NOT_RECORDED' },
  { rpc: 'end', what: 'a post-call', ends: 'is rolled back', response: 'ACCEPTED' },
  { rpc: 'end', what: 'a post-call', ends: 'loses its client', response: 'ACCEPTED' },
] as const;

// This is the statement as the process list shows it.
const CLAIMS = 'UPDATE%claim = new_claim%';
// The owner waits for the lock, or asks whether it is still there.
const MEETS_LOCK = /state = new_state|claim = new_claim|SKIP LOCKED/;

describeEachEngine('A replica whose write meets a locked row', (engine) => {
  // SQLite locks no rows.
  if (engine.name === 'sqlite') return;
  const writes = useCutWrites(engine, LIMIT_MS);

  const isSeen = (conversationUuid: string): boolean =>
    writes
      .cluster()
      .recorder.requests()
      .some((request) => request.conversationUuid === conversationUuid);
  const lockRow = async (conversationUuid: string, by = writes.beside()): Promise<void> => {
    // Transactions of callhooks have this level too. Otherwise the lock would cover the gaps beside the row, which are large
    // in a small table, and inserts of other calls would wait.
    await by.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await by.query('START TRANSACTION');
    await by.query('SELECT state FROM executions WHERE conversation_uuid = UNHEX(?) FOR UPDATE', [
      conversationUuid.replaceAll('-', ''),
    ]);
  };
  const untilClaimWaits = (): Promise<number> =>
    until('a claim to wait for the lock', async () => {
      const [id] = await listConnections(writes.beside(), 'info LIKE ?', [CLAIMS]);
      return id;
    });
  /** Makes the claim of a new post-call wait for a locked row. Returns its conversation, connection and process id. */
  const blockClaim = async () => {
    await untilDatabaseAvailable(writes.through().replica);
    const conversationUuid = randomUUID();
    const catching = writes.trap(POST_CALL_CLAIM, 'held');
    expect(describeResponse(await writes.call('end', conversationUuid))).to.equal('ACCEPTED');
    const hurt = await catching;
    await lockRow(conversationUuid);
    hurt.deliver();
    return { conversationUuid, hurt, processId: await untilClaimWaits() };
  };

  for (const { rpc, what, ends, response } of LOCKS)
    it(`answers ${response} and records ${what} afterwards, when the transaction that has locked it ${ends}`, async function () {
      this.timeout(40_000);
      const conversationUuid = randomUUID();
      const { recorder, url } = writes.cluster();
      await recorder.script('*', { stall: 'until_scripted' });
      const other = await createConnection(url ?? '');
      try {
        const calledAtMs = Date.now();
        const responding = writes.call(rpc, conversationUuid);
        await until('it to run', () => isSeen(conversationUuid));
        await lockRow(conversationUuid, other);
        const meeting = writes.through().proxy.untilSeen(MEETS_LOCK);
        const answeredAtMs = Date.now();
        await recorder.script('*', {});
        await meeting;
        // Other calls do not wait for it.
        const another = describeResponse(await writes.call(rpc, randomUUID()));
        expect(another).to.be.oneOf(['SUCCEEDED', 'ACCEPTED']);
        expect(describeResponse(await responding)).to.equal(response);
        const respondedAfterMs = writes.msSince(answeredAtMs);
        await onQuietMachine('an answer waits for its record for at most 5 s', answeredAtMs, () =>
          expect(respondedAfterMs).to.be.below(WAITS_FOR_RECORD_MS + NOISE_MS),
        );
        expect(await writes.rowOf(rpc, conversationUuid)).to.equal('SENDING');
        // No replica may mark it yet, so it is its owner that finishes it.
        expect(Date.now() - calledAtMs).to.be.below(LIMIT_MS + MARK_AFTER_LIMIT_MS);
      } finally {
        if (ends === 'is rolled back') await other.query('ROLLBACK').then(() => other.end());
        else other.destroy();
      }
      await writes.untilRow(rpc, conversationUuid, 'SUCCEEDED');
      expect(await writes.repeatUntil(rpc, conversationUuid, isFinished)).to.equal('replayed SUCCEEDED');
    });

  it('sends a post-call once when its claim loses its client, is repeated, and both wait for the lock', async function () {
    const rounds = byRunLength({ short: 2, long: 20 });
    this.timeout(20_000 + rounds * 5_000);
    for (let round = 0; round < rounds; round += 1) {
      const { conversationUuid, hurt } = await blockClaim();
      const repeated = writes.through().proxy.untilSeen(MEETS_LOCK);
      hurt.resetClient();
      // Its owner repeats the claim, and meets the same lock.
      await repeated;
      await writes.beside().query('ROLLBACK');
      await writes.untilRow('end', conversationUuid, 'SUCCEEDED');
    }
  });

  for (const what of ['QUERY', 'CONNECTION'] as const)
    it(`repeats a claim on another connection when KILL ${what} ends its wait for the lock`, async function () {
      const rounds = byRunLength({ short: 2, long: 20 });
      this.timeout(20_000 + rounds * 5_000);
      for (let round = 0; round < rounds; round += 1) {
        const { conversationUuid, hurt, processId } = await blockClaim();
        const repeated = writes.through().proxy.untilSeen(MEETS_LOCK);
        await writes.beside().query(`KILL ${what} ${processId}`);
        // The killed connection is not used again.
        expect(await repeated).to.not.equal(hurt.serverSidePort);
        await writes.beside().query('ROLLBACK');
        await writes.untilRow('end', conversationUuid, 'SUCCEEDED');
      }
    });

  it('leaves nothing unfinished or sent twice, and has answered what is on record', async function () {
    this.timeout(60_000);
    const figures = await writes.cluster().check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
      // A row that a dead connection keeps locked is marked when the server has dropped that connection, after 30 s.
      interruptedWithinMs: 45_000,
      refusedShare: 0.25,
      atLeast: { executions: 2 * LOCKS.length, requests: 2 * LOCKS.length },
    });
    reportFigures(`writes that meet a locked row (${engine.name})`, { ...figures, violations: 0 });
  });
});
