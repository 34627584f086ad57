import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { describeEachEngine } from '../support/engines.ts';
import { onQuietMachine } from '../support/quiet-machine.ts';
import { describeResponse } from './support/call-response.ts';
import {
  ACCEPT,
  isFinished,
  POST_CALL_CLAIM,
  POST_CALL_OUTCOME,
  REFUSED,
  START_CLAIM,
  START_OUTCOME,
  useCutWrites,
  type WriteMoment,
} from './support/cut-writes.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { killConnection, listConnections } from './support/kill-connection.ts';
import type { Cut, HurtConnection } from './support/proxy-pair.ts';
import { reportFigures } from './support/report-figures.ts';
import { byRunLength } from './support/run-length.ts';

// A mark comes 5 s later, which is after everything that a test waits for before it.
const LIMIT_MS = 6_000;
const MARK_AFTER_LIMIT_MS = 5_000;
const SETTLED_WITHIN_MS = 2_000;
// A call takes at most so long besides.
const NOISE_MS = 1_000;
const ALL_FINISHED_WITHIN_MS = 30_000;

const MOMENTS: readonly WriteMoment[] = [
  START_CLAIM,
  START_OUTCOME,
  ACCEPT,
  POST_CALL_CLAIM,
  POST_CALL_OUTCOME,
];

const CUTS: readonly { readonly title: string; readonly cut: Cut | 'killed' }[] = [
  { title: 'is reset before the server has it', cut: 'before' },
  { title: 'is reset while the server works on it', cut: 'unanswered' },
  { title: 'is reset when the server has answered', cut: 'answered' },
  { title: 'is killed by the server', cut: 'killed' },
];

/** A write whose connection hangs, so that nobody knows whether it has arrived. */
interface HangingWrite {
  readonly moment: WriteMoment;
  /** `held`: the server gets the write late; `answer_held`: it gets the write at once, and its answer comes late. */
  readonly cut: 'held' | 'answer_held';
  /** Says what the caller gets, and what is on record, while the connection hangs. */
  readonly response: string;
  readonly record: string;
  /** Says what is on record when everything has arrived, if it is not `final` at once. */
  readonly late?: string;
  /** Says what is on record in the end. */
  readonly final: string;
  /** Says what a repeat gets when everything has arrived, or before that with `repeatsBefore`. */
  readonly repeat: string;
  readonly repeatsBefore?: true;
}

const NOTHING = '(nothing)';
const ABANDONED = 'INTERRUPTED INTERRUPTED NO';
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';
const FINE = {
  response: 'SUCCEEDED',
  record: 'SUCCEEDED',
  final: 'SUCCEEDED',
  repeat: 'replayed SUCCEEDED',
};
const ACCEPTED = { ...FINE, response: 'ACCEPTED' };
const LOST = { response: REFUSED, record: NOTHING };

const HANGING: readonly HangingWrite[] = [
  // The row arrives when its owner has long answered that it does not know, and does not look after it any more.
  {
    ...LOST,
    moment: START_CLAIM,
    cut: 'held',
    late: 'SENDING',
    final: MARKED,
    repeat: 'replayed INTERRUPTED',
  },
  // The repeat is the first to run, and the late insert has no effect.
  {
    ...LOST,
    moment: START_CLAIM,
    cut: 'held',
    final: 'SUCCEEDED',
    repeat: 'SUCCEEDED',
    repeatsBefore: true,
  },
  {
    moment: START_CLAIM,
    cut: 'answer_held',
    response: REFUSED,
    record: ABANDONED,
    final: ABANDONED,
    repeat: 'replayed INTERRUPTED',
  },
  { ...FINE, moment: START_OUTCOME, cut: 'held' },
  { ...FINE, moment: START_OUTCOME, cut: 'answer_held' },
  // The replica that finds it sends it.
  { ...LOST, moment: ACCEPT, cut: 'held', final: 'SUCCEEDED', repeat: 'replayed SUCCEEDED' },
  { ...LOST, moment: ACCEPT, cut: 'held', final: 'SUCCEEDED', repeat: 'ACCEPTED', repeatsBefore: true },
  { ...ACCEPTED, moment: ACCEPT, cut: 'answer_held', response: REFUSED },
  { ...ACCEPTED, moment: POST_CALL_CLAIM, cut: 'held' },
  { ...ACCEPTED, moment: POST_CALL_CLAIM, cut: 'answer_held' },
  { ...ACCEPTED, moment: POST_CALL_OUTCOME, cut: 'held' },
  { ...ACCEPTED, moment: POST_CALL_OUTCOME, cut: 'answer_held' },
];

describeEachEngine('A replica whose connection breaks during a write', (engine) => {
  // SQLite has no connections.
  if (engine.name === 'sqlite') return;
  const writes = useCutWrites(engine, LIMIT_MS);

  const kill = async ({ serverSidePort }: HurtConnection): Promise<void> => {
    const beside = writes.beside();
    const ids = await listConnections(beside, 'host = ?', [`127.0.0.1:${serverSidePort}`]);
    expect(ids, 'connections to kill').to.have.length(1);
    for (const id of ids) await killConnection(beside, id);
  };

  for (const moment of MOMENTS)
    for (const { title, cut } of CUTS)
      it(`repeats ${moment.title}, and answers as ever, when it ${title}`, async function () {
        const rounds = byRunLength({ short: 1, long: 10 });
        this.timeout(10_000 + rounds * 5_000);
        for (let round = 0; round < rounds; round += 1) {
          if (round > 0) await untilDatabaseAvailable(writes.through().replica);
          const conversationUuid = randomUUID();
          const catching = writes.trap(moment, cut === 'killed' ? 'held' : cut);
          const startedAtMs = Date.now();
          const responding = writes.call(moment.rpc, conversationUuid);
          if (cut === 'killed') await kill(await catching);
          await catching;
          const response = describeResponse(await responding);
          const tookMs = writes.msSince(startedAtMs);
          expect(response).to.equal(moment.rpc === 'start' ? 'SUCCEEDED' : 'ACCEPTED');
          await onQuietMachine('one lost connection is made up for soon', startedAtMs, () =>
            expect(tookMs).to.be.below(SETTLED_WITHIN_MS),
          );
          await writes.untilRow(moment.rpc, conversationUuid, 'SUCCEEDED');
        }
      });

  for (const hanging of HANGING) {
    const { moment, cut, response, record, late, final, repeatsBefore = false } = hanging;
    const arrival = repeatsBefore ? 'is repeated before it arrives' : 'arrives later';
    it(`answers ${response}, and records ${final}, when ${moment.title} hangs (${cut}) and ${arrival}`, async function () {
      this.timeout(60_000);
      const { rpc } = moment;
      const conversationUuid = randomUUID();
      const catching = writes.trap(moment, cut);
      const startedAtMs = Date.now();
      const responding = writes.call(rpc, conversationUuid);
      const hurt = await catching;
      await hurt.clientGone();
      const gaveUpAfterMs = writes.msSince(startedAtMs);
      expect(Date.now() - startedAtMs, 'when its client gave up').to.be.at.least(1_900);
      expect(describeResponse(await responding)).to.equal(response);
      const respondedAfterMs = writes.msSince(startedAtMs);
      await onQuietMachine('a caller waits for at most 2 s', startedAtMs, () => {
        expect(gaveUpAfterMs, 'when its client gave up').to.be.at.most(2_000 + NOISE_MS);
        expect(respondedAfterMs, 'when the caller had its response').to.be.below(2_000 + NOISE_MS);
      });
      await untilDatabaseAvailable(writes.through().replica);
      await writes.untilRow(rpc, conversationUuid, record);
      if (repeatsBefore) {
        expect(await writes.repeatUntil(rpc, conversationUuid, () => true)).to.equal(hanging.repeat);
        await writes.untilRow(rpc, conversationUuid, final);
      }
      hurt.deliver();
      await hurt.answered();
      if (late !== undefined) await writes.untilRow(rpc, conversationUuid, late);
      await writes.untilRow(rpc, conversationUuid, final, LIMIT_MS + MARK_AFTER_LIMIT_MS + 5_000);
      const repeat = repeatsBefore ? `replayed ${final}` : hanging.repeat;
      expect(await writes.repeatUntil(rpc, conversationUuid, isFinished)).to.equal(repeat);
      await writes.untilRow(rpc, conversationUuid, final);
    });
  }

  it('leaves nothing unfinished or sent twice, and has answered what is on record', async function () {
    this.timeout(60_000);
    const figures = await writes.cluster().check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['DATABASE_UNAVAILABLE', 'OUTCOME_NOT_RECORDED'],
      interruptedWithinMs: 45_000,
      refusedShare: 0.25,
      atLeast: { executions: MOMENTS.length * CUTS.length, requests: MOMENTS.length * CUTS.length },
    });
    reportFigures(`connections cut at each write (${engine.name})`, {
      cuts: writes.cuts(),
      ...figures,
      violations: 0,
    });
  });
});
