import { expect } from 'chai';
import fc from 'fast-check';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { until } from '../support/until.ts';

type Request = Partially<pb.ListExecutionsRequest>;
const { FAILURE_POLICY_PROCEED: onProceed, FAILURE_POLICY_BLOCK: onBlock } = pb.FailurePolicy;
const { EXECUTION_STATE_ACCEPTED: accepted, EXECUTION_STATE_SENDING: sending } = pb.ExecutionState;
const CALLS = 24;

describeEachEngine('The filters of ListExecutions', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let agents: CallAgent[];
  let all: pb.Execution[];

  const list = async (request: Request = {}) =>
    (await app.rpc.executions.listExecutions({ pageSize: 200, ...request })).executions;

  before(async function () {
    this.timeout(30_000);
    // The first digit of a conversation decides how its executions end.
    const statusOf = (body: string) => (body < '4' ? 200 : body < '8' ? 403 : body < 'a' ? 404 : 302);
    receiver = await startReceiver(({ body }) => ({ status: statusOf(body) }));
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
    agents = await Promise.all(
      [onProceed, onBlock, onProceed].map((failurePolicy) =>
        makeAgent(app.rpc, {
          pre: postTo(receiver.url, '{{conversation_uuid}}', {
            failurePolicy,
            rejection: { httpStatuses: [403] },
          }),
          post: postTo(receiver.url, '{{conversation_uuid}}'),
        }),
      ),
    );
    for (let i = 0; i < CALLS; i += 1) {
      const call = newCall(agents[i % 3] as CallAgent);
      const conversationUuid = '048ae3b7'.charAt(i % 8) + call.conversationUuid.slice(1);
      await app.rpc.calls.onCallStart({ ...call, conversationUuid });
      if (i % 2 === 0) await app.rpc.calls.onCallEnd({ ...call, conversationUuid });
    }
    // A start without a webhook is recorded, and never listed.
    const bare = await makeAgent(app.rpc, { post: postTo(receiver.url) });
    await app.rpc.calls.onCallStart(newCall(bare));
    const open = [accepted, sending];
    await until('all executions to finish', async () => (await list({ states: open })).length === 0);
    // One agent is deleted. Its executions stay, and are found by its webhooks too.
    await app.rpc.agents.deleteAgent({ agentUuid: agents[2]?.agentUuid ?? '' });
    all = await list();
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  it('list every execution when none is given, newest first', () => {
    expect(all).to.have.length(CALLS + CALLS / 2);
    const keys = all.map(({ acceptedAt, executionUuid }) => `${Number(acceptedAt)} ${executionUuid}`);
    expect(keys).to.deep.equal(keys.toSorted().toReversed());
  });

  const matches =
    (filter: Request) =>
    (execution: pb.Execution): boolean => {
      const equal = <K extends 'agentUuid' | 'conversationUuid' | 'webhookUuid' | 'webhookType'>(name: K) =>
        !filter[name] || filter[name] === execution[name];
      const acceptedAt = Number(execution.acceptedAt);
      return (
        (['agentUuid', 'conversationUuid', 'webhookUuid', 'webhookType'] as const).every(equal) &&
        (!filter.states?.length || filter.states.includes(execution.state)) &&
        (!filter.failureCodes?.length || filter.failureCodes.includes(execution.failure?.code ?? 0)) &&
        (filter.degraded === undefined || filter.degraded === execution.degraded) &&
        (filter.rejected === undefined || filter.rejected === execution.rejected) &&
        (filter.acceptedAtFrom === undefined || acceptedAt >= Number(filter.acceptedAtFrom)) &&
        (filter.acceptedAtTo === undefined || acceptedAt < Number(filter.acceptedAtTo))
      );
    };

  const oneOf = <T>(take: (execution: pb.Execution) => T) =>
    fc.nat(1_000).map((n) => take(all[n % all.length] as pb.Execution));

  it('find the same executions as a search through all of them, each alone and any together, page by page', async function () {
    this.timeout(30_000);
    const filters: fc.Arbitrary<Request> = fc.record(
      {
        agentUuid: oneOf(({ agentUuid }) => agentUuid),
        conversationUuid: oneOf(({ conversationUuid }) => conversationUuid),
        webhookUuid: oneOf(({ webhookUuid }) => webhookUuid),
        webhookType: oneOf(({ webhookType }) => webhookType),
        states: fc.array(
          oneOf(({ state }) => state),
          { maxLength: 2 },
        ),
        failureCodes: fc.array(
          oneOf(({ failure }) => failure?.code ?? 1),
          { maxLength: 2 },
        ),
        degraded: fc.boolean(),
        rejected: fc.boolean(),
        acceptedAtFrom: oneOf(({ acceptedAt }) => acceptedAt as Date),
        acceptedAtTo: oneOf(({ acceptedAt }) => acceptedAt as Date),
      },
      { requiredKeys: [] },
    );
    const found: number[] = [];
    const check = async (filter: Request, pageSize: number) => {
      const expected = all.filter(matches(filter));
      found.push(expected.length);
      const pages: pb.Execution[] = [];
      let pageToken = '';
      do {
        const page = await app.rpc.executions.listExecutions({ ...filter, pageSize, pageToken });
        expect(page.executions.length).to.be.at.most(pageSize);
        pages.push(...page.executions);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(pages).to.deep.equal(expected);
    };
    const alone = fc
      .sample(filters, { numRuns: 40, seed: 1 })
      .flatMap((filter) => Object.entries(filter).map(([name, value]) => ({ [name]: value }) as Request));
    for (const filter of alone) await check(filter, 7);
    await fc.assert(fc.asyncProperty(filters, fc.integer({ min: 1, max: 40 }), check), { numRuns: 150 });
    expect(found.filter((count) => count > 0).length).to.be.greaterThan(40);
  });

  for (const [title, pageSize, count] of [
    ['0 for the default, which is more than there is', 0, 36],
    ['1', 1, 1],
    ['more than 200', 2_147_483_647, 36],
  ] as const) {
    it(`accept a page size of ${title}`, async () => {
      expect(await list({ pageSize })).to.have.length(count);
    });
  }

  it('include acceptedAtFrom and exclude acceptedAtTo, to the millisecond', async () => {
    const { acceptedAt } = all[10] as pb.Execution;
    const same = all.filter((it) => Number(it.acceptedAt) === Number(acceptedAt));
    const after = new Date(Number(acceptedAt) + 1);
    expect(await list({ acceptedAtFrom: acceptedAt, acceptedAtTo: after })).to.deep.equal(same);
    expect(await list({ acceptedAtFrom: acceptedAt, acceptedAtTo: acceptedAt })).to.deep.equal([]);
    expect(await list({ acceptedAtFrom: after, acceptedAtTo: acceptedAt })).to.deep.equal([]);
  });

  it('refuse the page token of every other filter, and accept it with another page size', async () => {
    const { agentUuid, webhookUuid, conversationUuid, acceptedAt } = all[0] as pb.Execution;
    const filter = { agentUuid };
    const { nextPageToken: pageToken } = await app.rpc.executions.listExecutions({ ...filter, pageSize: 1 });
    const others: Request[] = [
      {},
      { agentUuid: agents.find((it) => it.agentUuid !== agentUuid)?.agentUuid ?? '' },
      { ...filter, conversationUuid },
      { ...filter, webhookUuid },
      { ...filter, webhookType: 1 },
      { ...filter, states: [1] },
      { ...filter, failureCodes: [1] },
      { ...filter, degraded: false },
      { ...filter, rejected: false },
      { ...filter, acceptedAtFrom: acceptedAt },
      { ...filter, acceptedAtTo: acceptedAt },
    ];
    for (const other of others)
      expect(
        (await errorOf(app.rpc.executions.listExecutions({ ...other, pageToken }))).fields,
      ).to.deep.equal(['page_token']);
    const expected = all.filter(matches(filter)).slice(1);
    expect(await list({ agentUuid: agentUuid.toUpperCase(), pageToken })).to.deep.equal(expected);
  });

  for (const [title, token] of [
    ['that is no base64', 'x'],
    ['that has nothing in it', Buffer.from('[]').toString('base64url')],
    [
      'of another list',
      Buffer.from('["agents","0199a0b0-0000-7000-8000-000000000001"]').toString('base64url'),
    ],
    ['of 4,000 characters', 'A'.repeat(4_000)],
  ] as const) {
    it(`refuse a page token ${title}`, async () => {
      const { reason, fields } = await errorOf(app.rpc.executions.listExecutions({ pageToken: token }));
      expect({ reason, fields }).to.deep.equal({ reason: 'VALIDATION_FAILED', fields: ['page_token'] });
    });
  }

  it('name all their violations in one error', async () => {
    const { fields } = await errorOf(
      app.rpc.executions.listExecutions({
        agentUuid: 'a',
        conversationUuid: 'b',
        webhookUuid: 'c',
        webhookType: 7 as pb.WebhookType,
        states: [0, 6 as pb.ExecutionState],
        failureCodes: [99 as pb.FailureCode],
        pageSize: -1,
        pageToken: 'x',
      }),
    );
    expect(fields).to.deep.equal([
      'agent_uuid',
      'conversation_uuid',
      'webhook_uuid',
      'webhook_type',
      'states[0]',
      'states[1]',
      'failure_codes[0]',
      'page_size',
      'page_token',
    ]);
  });
});
