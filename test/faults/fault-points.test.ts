import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { OnCallStartResponse } from '../../src/gen/index.callhooks.v1.ts';
import type { FaultPoint } from '../../src/engine/fault-points.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf, stateName } from '../support/execution-words.ts';
import { until } from '../support/until.ts';
import type { Call } from './support/call-log.ts';
import { describeResponse } from './support/call-response.ts';
import { readRow } from './support/cluster-database.ts';
import { createCluster, type Cluster } from './support/cluster.ts';
import { untilDatabaseAvailable } from './support/database-probe.ts';
import { listExecutions, untilAllFinished } from './support/execution-log.ts';
import type { Replica } from './support/replica.ts';
import { reportFigures } from './support/report-figures.ts';
import { REJECTING_STATUS, type TestAgent } from './support/test-agent.ts';

/** A fault point of the engine, or the time in which the endpoint works: then the replica is killed from outside. */
type Moment = FaultPoint | 'pre_call.sent' | 'post_call.sent';

interface Row {
  readonly moment: Moment;
  /** The row in the database when the process is dead and no other replica has looked at it. */
  readonly record: string;
  /** Says what the endpoint saw: nothing ever, the request before the death, or later from a living replica. */
  readonly saw: 'nothing' | 'the request' | 'it later';
  /** Lists what the cut-off call may have got. The reply to OnCallEnd and the sending of its report race. */
  readonly responses: readonly string[];
  /** Says what a repeat gets, on SQLite from the restarted process and on a server from another replica. */
  readonly repeat: { readonly sqlite: RegExp; readonly server: RegExp };
  /** The record in the end. */
  readonly final: string;
}

const LOST = ['UNAVAILABLE'];
const ACCEPTED = ['ACCEPTED'];
const EITHER = ['ACCEPTED', 'UNAVAILABLE'];
const MARKED = 'INTERRUPTED INTERRUPTED MAYBE';
const FRESH = onBoth(/^(SUCCEEDED|ACCEPTED)$/);
const ON_ITS_WAY = onBoth(/^replayed (ACCEPTED|SENDING|SUCCEEDED)$/);
const DONE = onBoth(/^replayed SUCCEEDED$/);
// With one process only, it shows at once that the owner is gone; elsewhere it shows after the time of the execution.
const RUNNING = { sqlite: /^replayed INTERRUPTED$/, server: /^EXECUTION_RUNNING$/ };
const STUCK = { sqlite: /^replayed INTERRUPTED$/, server: /^replayed SENDING$/ };

function onBoth(pattern: RegExp): Row['repeat'] {
  return { sqlite: pattern, server: pattern };
}

function row(
  moment: Moment,
  record: string,
  saw: Row['saw'],
  responses: Row['responses'],
  repeat: Row['repeat'],
  final: string,
): Row {
  return { moment, record, saw, responses, repeat, final };
}

// These are the promises; the test prints what was seen.
const ROWS: readonly Row[] = [
  row('pre_call.unclaimed', '(nothing)', 'it later', LOST, FRESH, 'SUCCEEDED'),
  row('pre_call.claimed', 'SENDING', 'nothing', LOST, RUNNING, MARKED),
  row('pre_call.sent', 'SENDING', 'the request', LOST, RUNNING, MARKED),
  row('pre_call.answered', 'SENDING', 'the request', LOST, RUNNING, MARKED),
  row('pre_call.recorded', 'SUCCEEDED', 'the request', LOST, DONE, 'SUCCEEDED'),
  row('post_call.unaccepted', '(nothing)', 'it later', LOST, FRESH, 'SUCCEEDED'),
  row('post_call.accepted', 'ACCEPTED', 'it later', LOST, ON_ITS_WAY, 'SUCCEEDED'),
  row('post_call.unclaimed', 'ACCEPTED', 'it later', EITHER, ON_ITS_WAY, 'SUCCEEDED'),
  row('post_call.claimed', 'SENDING', 'nothing', EITHER, STUCK, MARKED),
  row('post_call.rendering', 'SENDING', 'nothing', EITHER, STUCK, MARKED),
  row('post_call.sent', 'SENDING', 'the request', ACCEPTED, STUCK, MARKED),
  row('post_call.answered', 'SENDING', 'the request', ACCEPTED, STUCK, MARKED),
  row('post_call.recorded', 'SUCCEEDED', 'the request', ACCEPTED, DONE, 'SUCCEEDED'),
];

// No request may time out before its replica is killed, however busy the machine is.
const LIMIT_MS = 3_000;
// A mark takes longer, so the repeat of a start that nobody finishes learns that it still runs.
const RUNNING_DEADLINE_MS = 2_000;
const ALL_FINISHED_WITHIN_MS = LIMIT_MS + 10_000;

interface Seen {
  readonly moment: Moment;
  readonly conversationUuid: string;
  readonly record: string;
  readonly sawBefore: boolean;
  readonly response: string;
  readonly repeat: string;
  /** The reply to the repeat as JSON, or nothing. */
  readonly told: string;
}

describeEachEngine('A replica killed at a fault point', (engine) => {
  let cluster: Cluster;
  let agent: TestAgent;
  let slowAgent: TestAgent;
  let rejectedAgent: TestAgent;
  let victim: Replica;
  let witness: Replica | undefined;
  const seen: Seen[] = [];

  before(async function () {
    this.timeout(30_000);
    cluster = await createCluster(engine);
    victim = await cluster.addReplica();
    if (engine.name !== 'sqlite') witness = await cluster.addReplica();
    const limits = { preLimitMs: LIMIT_MS, postLimitMs: LIMIT_MS };
    const slow = `${cluster.recorder.url}/slow`;
    agent = await cluster.addAgent(limits);
    slowAgent = await cluster.addAgent({ ...limits, preUrl: `${slow}/pre`, postUrl: `${slow}/post` });
    rejectedAgent = await cluster.addAgent({ ...limits, preUrl: `${cluster.recorder.url}/reject/pre` });
    await cluster.recorder.script('/reject/pre', { statuses: [REJECTING_STATUS] });
    await cluster.recorder.script('/slow/pre', { stall: 'silent' });
    await cluster.recorder.script('/slow/post', { stall: 'silent' });
  });
  after(() => cluster.close());

  const isSeen = (conversationUuid: string): boolean =>
    cluster.recorder.requests().some((request) => request.conversationUuid === conversationUuid);

  const untilSucceeded = ({ agentUuid }: TestAgent, conversationUuid: string): Promise<unknown> =>
    until(
      `${conversationUuid} to have succeeded`,
      async () => {
        const all = await listExecutions((witness ?? victim).rpc, [agentUuid]);
        const own = all.filter((one) => one.conversationUuid === conversationUuid);
        return own.some(({ state }) => stateName(state) === 'SUCCEEDED');
      },
      { everyMs: 50 },
    );

  const dieAt = async ({ moment, repeat, final }: Row, healthy = agent): Promise<Seen> => {
    const conversationUuid = randomUUID();
    const rpc = moment.startsWith('pre_call') ? 'start' : 'end';
    const isSent = moment.endsWith('.sent');
    const { agentUuid } = isSent ? slowAgent : healthy;
    const call: Call = { rpc, agentUuid, conversationUuid };
    await victim.kill();
    await victim.restart({
      faults: isSent ? [] : [{ point: moment as FaultPoint, action: 'kill', conversationUuid }],
    });
    // The other replica is frozen, so that the row is seen as the dead one left it.
    witness?.freeze();
    const responding = cluster.callLog.call(victim, call);
    if (isSent) {
      await until('the endpoint to see it', () => isSeen(conversationUuid));
      // OnCallEnd is answered before its report is.
      if (rpc === 'end') await responding;
      await victim.kill();
    }
    await victim.exited();
    const response = describeResponse(await responding);
    const record = await readRow(cluster, conversationUuid, rpc === 'start' ? 'pre_call' : 'post_call');
    const sawBefore = isSeen(conversationUuid);
    witness?.wake();
    if (witness === undefined) await victim.restart();
    const living = witness ?? victim;
    await untilDatabaseAvailable(living);
    const deadline = repeat === RUNNING ? { deadlineMs: RUNNING_DEADLINE_MS } : {};
    const repeated = await cluster.callLog.call(living, { ...call, ...deadline });
    // The next death or freeze would interrupt what this repeat, or a takeover of the row, has begun.
    if (final === 'SUCCEEDED') await untilSucceeded(healthy, conversationUuid);
    const told = repeated.kind === 'reply' ? repeated.text : '';
    return {
      moment,
      conversationUuid,
      record,
      sawBefore,
      response,
      repeat: describeResponse(repeated),
      told,
    };
  };

  for (const row of ROWS) {
    it(`at ${row.moment} leaves ${row.record} on record, and its repeat is answered truthfully`, async function () {
      this.timeout(30_000);
      const it = await dieAt(row);
      seen.push(it);
      expect(it.record, 'record').to.equal(row.record);
      expect(it.response, 'response').to.be.oneOf(row.responses);
      expect(it.repeat, 'repeat').to.match(row.repeat[engine.name === 'sqlite' ? 'sqlite' : 'server']);
    });
  }

  it('at pre_call.recorded leaves a rejection on record, and its repeat tells it with its reason', async function () {
    this.timeout(30_000);
    const row = ROWS.find(({ moment }) => moment === 'pre_call.recorded') as Row;
    const it = await dieAt(row, rejectedAgent);
    expect([it.record, it.response]).to.deep.equal([row.record, 'UNAVAILABLE']);
    expect(it.repeat).to.equal('replayed SUCCEEDED');
    const { rejected, rejectReason, execution } = JSON.parse(it.told) as OnCallStartResponse;
    expect({ rejected, rejectReason }).to.deep.equal({
      rejected: true,
      rejectReason: `Ada ${execution?.executionUuid}`,
    });
  });

  it('has each of these executions finished within the time limit and 10 s', async function () {
    this.timeout(60_000);
    const agentUuids = [agent, slowAgent, rejectedAgent].map(({ agentUuid }) => agentUuid);
    const executions = await untilAllFinished(
      () => cluster.livingReplica().rpc,
      agentUuids,
      ALL_FINISHED_WITHIN_MS,
    );
    const lines = seen.map(({ moment, conversationUuid, record, sawBefore, response, repeat }) => {
      const row = ROWS.find((one) => one.moment === moment) as Row;
      const execution = executions.find((one) => one.conversationUuid === conversationUuid);
      const saw = sawBefore ? 'the request' : isSeen(conversationUuid) ? 'it later' : 'nothing';
      const final = execution === undefined ? '(nothing)' : outcomeOf(execution);
      expect(final, moment).to.equal(row.final);
      expect(saw, moment).to.equal(row.saw);
      return `| ${[`\`${moment}\``, record, saw, response, repeat, final].join(' | ')} |`;
    });
    printTable(engine.name, lines);
    const figures = await cluster.check(ALL_FINISHED_WITHIN_MS, {
      refusedAs: ['EXECUTION_RUNNING'],
      atLeast: { executions: ROWS.length, requests: ROWS.length - 3, replies: ROWS.length },
    });
    reportFigures(`kill -9 at each fault point (${engine.name})`, {
      kills: ROWS.length + 1,
      ...figures,
      violations: 0,
    });
  });
});

function printTable(title: string, lines: readonly string[]): void {
  const head = [
    'If we die at',
    'the record says',
    'the endpoint saw',
    'the caller got',
    'a repeat gets',
    'in the end',
  ];
  const table = [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines];
  process.stdout.write(`\n${title}\n${table.join('\n')}\n\n`);
}
