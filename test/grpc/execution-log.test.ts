import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf, NOBODY, POST_CALL, PRE_CALL, webhookOf } from '../support/samples.ts';

const MASK = '••••••';
const { EXECUTION_STATE_SUCCEEDED, EXECUTION_STATE_FAILED } = pb.ExecutionState;

describeEachEngine('ExecutionLog', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let agent: pb.Agent;
  /** The conversations in the order of their starts. Every third one fails. */
  const conversations: string[] = [];
  before(async () => {
    receiver = await startReceiver(({ url }) =>
      url.includes('fail')
        ? { status: 503, body: 'busy' }
        : { body: { name: 'Ada' }, headers: { 'set-cookie': 'a=b', 'x-kept': '1' } },
    );
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.1' });
    agent = await createAgent();
    for (let i = 0; i < 9; i += 1) {
      const conversationUuid = randomUUID();
      conversations.push(conversationUuid);
      const mood = i % 3 === 2 ? 'fail' : 'fine';
      await app.rpc.calls.onCallStart({
        agentUuid: agent.agentUuid,
        conversationUuid,
        dynamicVariables: { mood },
        callerPhone: '+1',
      });
    }
  });
  after(async () => {
    await app.close();
    await receiver.close();
  });

  const createAgent = async () => {
    const pre = configOf(
      {
        url: `${receiver.url}/{{mood}}?token=t0p&x=1`,
        requestHeaders: { Authorization: 'Bearer literal-token', 'X-Gone': '{{metadata.gone}}' },
        requestBody: { phone: '{{caller_phone}}' },
      },
      { assignments: [{ attributeName: 'name', dynamicVariable: 'name' }] },
    );
    const webhooks = [
      webhookOf(PRE_CALL, pre),
      webhookOf(POST_CALL, configOf({ url: `${receiver.url}/post` })),
    ];
    const { agent: created } = await app.rpc.agents.createAgent({
      agent: { dynamicVariables: { mood: '', name: '' }, webhooks },
    });
    return created as pb.Agent;
  };
  const list = async (request: Partially<pb.ListExecutionsRequest> = {}) =>
    (await app.rpc.executions.listExecutions(request)).executions;
  const conversationsOf = (executions: readonly pb.Execution[]) =>
    executions.map(({ conversationUuid }) => conversationUuid);
  const newestFirst = (isWanted: (index: number) => boolean = () => true) =>
    conversations.filter((_, i) => isWanted(i)).toReversed();

  describe('GetExecution', () => {
    for (const [index, outcome] of [
      [0, 'success'],
      [2, 'failure'],
    ] as const) {
      it(`returns the variables after a ${outcome}, with their sources, as every repeat of the start does`, async () => {
        const conversationUuid = conversations[index] ?? '';
        const [{ executionUuid } = expect.fail()] = await list({ conversationUuid });
        const { dynamicVariables, variableSources } = await app.rpc.executions.getExecution({
          executionUuid,
        });
        const repeat = await app.rpc.calls.onCallStart({ agentUuid: agent.agentUuid, conversationUuid });
        expect(repeat.replayed).to.equal(true);
        expect({ dynamicVariables, variableSources }).to.deep.equal({
          dynamicVariables: repeat.dynamicVariables,
          variableSources: repeat.variableSources,
        });
        const { VARIABLE_SOURCE_REQUEST, VARIABLE_SOURCE_ASSIGNMENT, VARIABLE_SOURCE_DEFAULT } =
          pb.VariableSource;
        expect(variableSources).to.deep.equal({
          mood: VARIABLE_SOURCE_REQUEST,
          name: outcome === 'success' ? VARIABLE_SOURCE_ASSIGNMENT : VARIABLE_SOURCE_DEFAULT,
        });
      });
    }

    it('returns the whole record of a success, with secret values masked', async () => {
      const [listed] = await list({ conversationUuid: conversations[0] ?? '' });
      const { execution } = await app.rpc.executions.getExecution({
        executionUuid: listed?.executionUuid.toUpperCase() ?? '',
      });
      const pre = agent.webhooks.find(({ webhookType }) => webhookType === PRE_CALL);
      expect(execution).to.deep.include({
        agentUuid: agent.agentUuid,
        conversationUuid: conversations[0],
        webhookUuid: pre?.webhookUuid,
        webhookEtag: pre?.etag,
        webhookType: PRE_CALL,
        state: EXECUTION_STATE_SUCCEEDED,
        failure: undefined,
        decision: pb.CallDecision.CALL_DECISION_PROCEED,
        degraded: false,
        failurePolicy: pb.FailurePolicy.FAILURE_POLICY_PROCEED,
        timeLimit: { seconds: 10n, nanos: 0 },
        timeLimitSource: pb.TimeLimitSource.TIME_LIMIT_SOURCE_CONFIG,
        assignedVariables: { name: 'Ada' },
        missingVariables: ['metadata.gone'],
        missedAssignments: [],
      });
      expect(execution?.request).to.deep.include({
        method: 'POST',
        body: '{"phone":"+1"}',
        bodySize: 14n,
        bodyBinary: false,
      });
      expect(execution?.request?.url).to.include('/fine?token=').and.not.to.include('t0p');
      expect(execution?.request?.headers).to.deep.include({ name: 'authorization', value: MASK });
      expect(execution?.response).to.deep.include({ status: 200, body: '{"name":"Ada"}', truncated: false });
      const names = execution?.response?.headers.map(({ name }) => name);
      expect(names).to.include('x-kept').and.not.to.include('set-cookie');
      const [accepted, sending, finished] = [
        execution?.acceptedAt,
        execution?.sendingAt,
        execution?.finishedAt,
      ].map(Number);
      expect(accepted).to.be.at.most(sending as number);
      expect(sending).to.be.at.most(finished as number);
      expect(execution?.instance).not.to.equal('');
    });

    it('returns what is listed, and besides it request, response and assigned variables', async () => {
      for (const listed of await list({ pageSize: 3 })) {
        const { execution } = await app.rpc.executions.getExecution({ executionUuid: listed.executionUuid });
        expect({
          ...execution,
          request: undefined,
          response: undefined,
          assignedVariables: undefined,
        }).to.deep.equal(listed);
      }
    });

    it('answers EXECUTION_NOT_FOUND for an execution that does not exist, naming it', async () => {
      const error = await errorOf(app.rpc.executions.getExecution({ executionUuid: NOBODY }));
      expect(error).to.include({ code: 'NOT_FOUND', reason: 'EXECUTION_NOT_FOUND' });
      expect(error.resource).to.deep.equal({ type: 'execution', name: NOBODY });
    });
  });

  describe('ListExecutions', () => {
    it('lists each execution once, the newest first, page by page', async () => {
      const seen: string[] = [];
      let pageToken = '';
      do {
        const page = await app.rpc.executions.listExecutions({
          agentUuid: agent.agentUuid,
          pageSize: 4,
          pageToken,
        });
        seen.push(...conversationsOf(page.executions));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(seen).to.deep.equal(newestFirst());
    });

    const filters: [string, Partially<pb.ListExecutionsRequest>, (index: number) => boolean][] = [
      ['a state', { states: [EXECUTION_STATE_FAILED] }, (i) => i % 3 === 2],
      [
        'several states, named twice',
        { states: [EXECUTION_STATE_FAILED, EXECUTION_STATE_SUCCEEDED, EXECUTION_STATE_FAILED] },
        () => true,
      ],
      [
        'a state that no execution is in',
        { states: [pb.ExecutionState.EXECUTION_STATE_INTERRUPTED] },
        () => false,
      ],
      [
        'failure codes',
        { failureCodes: [pb.FailureCode.FAILURE_CODE_HTTP_STATUS, pb.FailureCode.FAILURE_CODE_DNS] },
        (i) => i % 3 === 2,
      ],
      ['degraded', { degraded: true }, (i) => i % 3 === 2],
      ['not degraded', { degraded: false }, (i) => i % 3 !== 2],
      ['a type', { webhookType: PRE_CALL }, () => true],
      ['a type without executions', { webhookType: POST_CALL }, () => false],
      ['an agent without executions', { agentUuid: NOBODY }, () => false],
      ['a webhook without executions', { webhookUuid: NOBODY }, () => false],
      ['a time before all of them', { acceptedAtTo: new Date(0) }, () => false],
    ];
    for (const [title, filter, isWanted] of filters) {
      it(`filters by ${title}`, async () => {
        expect(conversationsOf(await list(filter))).to.deep.equal(newestFirst(isWanted));
      });
    }

    it('filters by times, including the first instant and excluding the last', async () => {
      const middle = (await list({ conversationUuid: conversations[4] ?? '' }))[0]?.acceptedAt as Date;
      const from = conversationsOf(await list({ acceptedAtFrom: middle }));
      const to = conversationsOf(await list({ acceptedAtTo: middle }));
      expect(from).to.include(conversations[4]);
      expect(to).not.to.include(conversations[4]);
      expect([...from, ...to]).to.deep.equal(newestFirst());
    });

    it('filters by several fields at once', async () => {
      const filter = {
        agentUuid: agent.agentUuid,
        conversationUuid: conversations[2]?.toUpperCase() ?? '',
        degraded: true,
      };
      const webhookUuid =
        agent.webhooks.find(({ webhookType }) => webhookType === PRE_CALL)?.webhookUuid ?? '';
      expect(conversationsOf(await list({ ...filter, webhookUuid, webhookType: PRE_CALL }))).to.deep.equal([
        conversations[2],
      ]);
    });

    it('refuses the page token of another filter', async () => {
      const { nextPageToken } = await app.rpc.executions.listExecutions({ pageSize: 1, degraded: true });
      expect(nextPageToken).not.to.equal('');
      const other = app.rpc.executions.listExecutions({
        pageSize: 1,
        degraded: false,
        pageToken: nextPageToken,
      });
      expect((await errorOf(other)).fields).to.deep.equal(['page_token']);
      const same = await app.rpc.executions.listExecutions({
        pageSize: 5,
        degraded: true,
        pageToken: nextPageToken,
      });
      expect(conversationsOf(same.executions)).to.deep.equal(newestFirst((i) => i % 3 === 2).slice(1));
    });
  });

  it('lists the executions of an agent that was deleted', async () => {
    await app.rpc.agents.deleteAgent({ agentUuid: agent.agentUuid });
    expect(conversationsOf(await list({ agentUuid: agent.agentUuid }))).to.deep.equal(newestFirst());
  });

  // It comes last, because it makes an execution that the lists would have.
  describe('GetExecution of a post-call', () => {
    it('returns no variables for a post-call', async () => {
      const { agentUuid } = await createAgent();
      const { execution } = await app.rpc.calls.onCallEnd({ agentUuid, conversationUuid: randomUUID() });
      const reply = await app.rpc.executions.getExecution({ executionUuid: execution?.executionUuid ?? '' });
      expect([reply.dynamicVariables, reply.variableSources]).to.deep.equal([undefined, {}]);
    });
  });
});
