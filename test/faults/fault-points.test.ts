import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { describeEachEngine } from '../support/engines.ts';
import type { TestAgent } from './support/calls.ts';
import { describeTold } from './support/describe-told.ts';
import { failureOf, listExecutions, nameOf, untilAllEnded } from './support/execution-log.ts';
import type { Call } from './support/journal.ts';
import { report } from './support/long.ts';
import { untilThere } from './support/proxied.ts';
import { readRow } from './support/record-on-disk.ts';
import type { Replica } from './support/replicas.ts';
import { until } from '../support/until.ts';
import { createWorld, type World } from './support/world.ts';

/** A fault point of the engine, or the time in which the endpoint works: then the replica is killed from outside. */
type Moment = FaultPoint | 'start.sent' | 'end.sent';

interface Row {
  readonly moment: Moment;
  /** In the database when the process is dead and nobody else has looked. */
  readonly record: string;
  /** By the endpoint: nothing ever, the request before the death, or later, sent by somebody who lives. */
  readonly saw: 'nothing' | 'the request' | 'it later';
  /** The caller of the call that was cut off; the reply of an end and its sending race. */
  readonly told: readonly string[];
  /** What a repeat is told, by the restarted process on SQLite and by another replica on MariaDB. */
  readonly repeat: { readonly sqlite: RegExp; readonly mariadb: RegExp };
  /** The end on record. */
  readonly end: string;
}

const LOST = ['UNAVAILABLE'];
const ACCEPTED = ['ACCEPTED'];
const EITHER = ['ACCEPTED', 'UNAVAILABLE'];
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';
const both = (pattern: RegExp): Row['repeat'] => ({ sqlite: pattern, mariadb: pattern });
const FRESH = both(/^(SUCCEEDED|ACCEPTED)$/);
const ON_ITS_WAY = both(/^replayed (ACCEPTED|SENDING|SUCCEEDED)$/);
const DONE = both(/^replayed SUCCEEDED$/);
// That its owner is gone shows at once where there is only one process, elsewhere after its time.
const RUNNING = { sqlite: /^replayed INTERRUPTED$/, mariadb: /^EXECUTION_RUNNING$/ };
const STUCK = { sqlite: /^replayed INTERRUPTED$/, mariadb: /^replayed SENDING$/ };

const row = (
  moment: Moment,
  record: string,
  saw: Row['saw'],
  told: Row['told'],
  repeat: Row['repeat'],
  end: string,
): Row => ({ moment, record, saw, told, repeat, end });

// What is promised; the test prints what was seen.
const ROWS: readonly Row[] = [
  row('start.unclaimed', '(nothing)', 'it later', LOST, FRESH, 'SUCCEEDED'),
  row('start.claimed', 'SENDING', 'nothing', LOST, RUNNING, MARKED),
  row('start.sent', 'SENDING', 'the request', LOST, RUNNING, MARKED),
  row('start.answered', 'SENDING', 'the request', LOST, RUNNING, MARKED),
  row('start.recorded', 'SUCCEEDED', 'the request', LOST, DONE, 'SUCCEEDED'),
  row('end.unaccepted', '(nothing)', 'it later', LOST, FRESH, 'SUCCEEDED'),
  row('end.accepted', 'ACCEPTED', 'it later', LOST, ON_ITS_WAY, 'SUCCEEDED'),
  row('end.unclaimed', 'ACCEPTED', 'it later', EITHER, ON_ITS_WAY, 'SUCCEEDED'),
  row('end.claimed', 'SENDING', 'nothing', EITHER, STUCK, MARKED),
  row('end.rendering', 'SENDING', 'nothing', EITHER, STUCK, MARKED),
  row('end.sent', 'SENDING', 'the request', ACCEPTED, STUCK, MARKED),
  row('end.answered', 'SENDING', 'the request', ACCEPTED, STUCK, MARKED),
  row('end.recorded', 'SUCCEEDED', 'the request', ACCEPTED, DONE, 'SUCCEEDED'),
];

// Nothing may time out before its owner dies, however busy the machine is.
const LIMIT_MS = 3_000;
// Less than a mark takes: the repeat of a start that nobody ends is told so.
const RUNNING_DEADLINE_MS = 2_000;
const ALL_ENDED_WITHIN_MS = LIMIT_MS + 10_000;

interface Seen {
  readonly moment: Moment;
  readonly conversationUuid: string;
  readonly record: string;
  readonly sawBefore: boolean;
  readonly told: string;
  readonly repeat: string;
}

describeEachEngine('A replica that dies at a fault point', (engine) => {
  let world: World;
  let agent: TestAgent;
  let slowAgent: TestAgent;
  let victim: Replica;
  let witness: Replica | undefined;
  const seen: Seen[] = [];

  before(async function () {
    this.timeout(30_000);
    world = await createWorld(engine);
    victim = await world.addReplica();
    if (engine.name === 'mariadb') witness = await world.addReplica();
    const limits = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
    const slow = `${world.recorder.url}/slow`;
    agent = await world.addAgent(limits);
    slowAgent = await world.addAgent({ ...limits, preUrl: `${slow}/pre`, postUrl: `${slow}/post` });
    await world.recorder.script('/slow/pre', { stall: 'silent' });
    await world.recorder.script('/slow/post', { stall: 'silent' });
  });
  after(() => world.close());

  const sees = (conversationUuid: string): boolean =>
    world.recorder.requests().some((request) => request.conversationUuid === conversationUuid);

  const untilSucceeded = (conversationUuid: string): Promise<unknown> =>
    until(`${conversationUuid} to have succeeded`, async () => {
      const all = await listExecutions((witness ?? victim).rpc, [agent.agentUuid]);
      return all.some(
        (one) => one.conversationUuid === conversationUuid && nameOf(one.state) === 'SUCCEEDED',
      );
    });

  const dieAt = async ({ moment, repeat, end }: Row): Promise<Seen> => {
    const conversationUuid = randomUUID();
    const rpc = moment.startsWith('start') ? 'start' : 'end';
    const isSent = moment.endsWith('.sent');
    const { agentUuid } = isSent ? slowAgent : agent;
    const call: Call = { rpc, agentUuid, conversationUuid };
    await victim.kill();
    await victim.restart({
      faults: isSent ? [] : [{ point: moment as FaultPoint, action: 'kill', conversationUuid }],
    });
    // The other one looks away, so that the record is seen as the dead one left it.
    witness?.freeze();
    const telling = world.journal.call(victim, call);
    if (isSent) {
      await until('the endpoint to see it', () => sees(conversationUuid));
      await Promise.race([telling, rpc === 'end' ? telling : undefined]);
      await victim.kill();
    }
    await victim.ended();
    const told = describeTold(await telling);
    const record = await readRow(world, conversationUuid, rpc === 'start' ? 'pre_call' : 'post_call');
    const sawBefore = sees(conversationUuid);
    witness?.wake();
    if (witness === undefined) await victim.restart();
    const living = witness ?? victim;
    await untilThere(living);
    const deadline = repeat === RUNNING ? { deadlineMs: RUNNING_DEADLINE_MS } : {};
    const repeated = await world.journal.call(living, { ...call, ...deadline });
    // The next death, or sleep, would interrupt what was begun anew: by this repeat, or by whoever took the row over.
    if (end === 'SUCCEEDED') await untilSucceeded(conversationUuid);
    return { moment, conversationUuid, record, sawBefore, told, repeat: describeTold(repeated) };
  };

  for (const row of ROWS) {
    it(`at ${row.moment} leaves ${row.record} on record`, async function () {
      this.timeout(30_000);
      const it = await dieAt(row);
      seen.push(it);
      expect(it.record, 'record').to.equal(row.record);
      expect(it.told, 'told').to.be.oneOf(row.told);
      expect(it.repeat, 'repeat').to.match(row.repeat[engine.name]);
    });
  }

  it('leaves an end for each, within the time limit and 10 s', async function () {
    this.timeout(60_000);
    const agentUuids = [agent.agentUuid, slowAgent.agentUuid];
    const executions = await untilAllEnded(() => world.living().rpc, agentUuids, ALL_ENDED_WITHIN_MS);
    const lines = seen.map(({ moment, conversationUuid, record, sawBefore, told, repeat }) => {
      const row = ROWS.find((one) => one.moment === moment) as Row;
      const execution = executions.find((one) => one.conversationUuid === conversationUuid);
      const saw = sawBefore ? 'the request' : sees(conversationUuid) ? 'it later' : 'nothing';
      const end =
        execution === undefined ? '(nothing)' : `${nameOf(execution.state)} ${failureOf(execution)}`.trim();
      expect(end, moment).to.equal(row.end);
      expect(saw, moment).to.equal(row.saw);
      return `| ${[`\`${moment}\``, record, saw, told, repeat, end].join(' | ')} |`;
    });
    const head = [
      'If we die at',
      'the record says',
      'the endpoint saw',
      'the caller was told',
      'a repeat is told',
      'in the end',
    ];
    const table = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines];
    process.stdout.write(`\n${engine.name}\n${table.join('\n')}\n\n`);
    const figures = await world.verdict(ALL_ENDED_WITHIN_MS, {
      refusedAs: ['EXECUTION_RUNNING'],
      atLeast: { executions: ROWS.length, requests: ROWS.length - 3, replies: ROWS.length },
    });
    report(`kill -9 at each fault point (${engine.name})`, { kills: ROWS.length, ...figures, violations: 0 });
  });
});
