import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { STATE } from '../../src/store/executions/column-codes.ts';
import { toBytes } from '../../src/store/sql/uuid-bytes.ts';
import { VERSION } from '../../src/version.ts';
import { openBeside } from '../store/support.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, readExecution } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import {
  BAD_DETAILS,
  DETAILS_AT_LIMITS,
  textOf,
  variablesOf,
  VARIABLES_BYTES,
} from '../support/call-details.ts';
import { startReceiver, type Receiver, type Respond, type Reply } from '../support/receiver.ts';
import { errorOf, type Partially } from '../support/rpc.ts';

const {
  VARIABLE_SOURCE_DEFAULT: byDefault,
  VARIABLE_SOURCE_REQUEST: byRequest,
  VARIABLE_SOURCE_ASSIGNMENT: byAssignment,
  VARIABLE_SOURCE_ASSIGNMENT_DEFAULT: byAssignmentDefault,
} = pb.VariableSource;
const { CALL_DECISION_PROCEED: proceed, CALL_DECISION_BLOCK: block } = pb.CallDecision;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describeEachEngine('OnCallStart', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  before(async () => {
    receiver = await startReceiver();
    const resolve = async (name: string) =>
      name === 'inside.example' ? { addresses: ['10.0.0.1'] } : { problem: 'there is no such name' };
    const env = { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8', CALLHOOKS_INSTANCE: 'replica-1' };
    app = await startTestApp(engine, env, { resolve });
  });
  beforeEach(() => receiver.respond({ body: { name: 'Ada', tier: { level: 3 } } }));
  after(async () => {
    await receiver.close();
    await app.close();
  });

  /** The one request that came since the last time that somebody looked. */
  let seen = 0;
  const lastRequest = () => {
    const fresh = receiver.requests.slice(seen);
    seen = receiver.requests.length;
    expect(fresh).to.have.length(1);
    return fresh[0] as Receiver['requests'][number];
  };
  beforeEach(() => {
    seen = receiver.requests.length;
  });

  it('answers with every field filled in', async () => {
    const agent = await makeAgent(app.rpc, {
      variables: { name: 'nobody', plan: 'none', level: 0, note: null, untouched: [1] },
      pre: postTo(receiver.url, undefined, {
        assignments: [
          { attributeName: 'name', dynamicVariable: 'name' },
          { attributeName: 'tier.level', dynamicVariable: 'level' },
          { attributeName: 'nothing', dynamicVariable: 'note', defaultValue: { set: false } },
          { attributeName: 'none', dynamicVariable: 'plan' },
        ],
      }),
    });
    const call = { agentUuid: agent.agentUuid.toUpperCase(), conversationUuid: randomUUID().toUpperCase() };
    const before = Date.now();
    const reply = await app.rpc.calls.onCallStart({
      ...call,
      dynamicVariables: { plan: 'gold', extra: true },
    });
    const { execution, ...rest } = reply;
    expect(rest).to.deep.equal({
      decision: proceed,
      degraded: false,
      dynamicVariables: {
        ...{ name: 'Ada', plan: 'gold', level: 3, note: { set: false }, untouched: [1], extra: true },
      },
      variableSources: {
        ...{ name: byAssignment, plan: byRequest, level: byAssignment, note: byAssignmentDefault },
        ...{ untouched: byDefault, extra: byRequest },
      },
      replayed: false,
    });
    const { executionUuid, acceptedAt, sendingAt, finishedAt, timings, ...told } = execution as pb.Execution;
    expect(told).to.deep.equal({
      agentUuid: agent.agentUuid,
      conversationUuid: call.conversationUuid.toLowerCase(),
      webhookUuid: agent.pre?.webhookUuid,
      webhookEtag: agent.pre?.etag,
      webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL,
      state: pb.ExecutionState.EXECUTION_STATE_SUCCEEDED,
      failure: undefined,
      decision: proceed,
      degraded: false,
      failurePolicy: pb.FailurePolicy.FAILURE_POLICY_PROCEED,
      timeLimit: { seconds: 10n, nanos: 0 },
      timeLimitSource: pb.TimeLimitSource.TIME_LIMIT_SOURCE_CONFIG,
      request: undefined,
      response: undefined,
      assignedVariables: undefined,
      missingVariables: [],
      missedAssignments: [
        {
          attributeName: 'none',
          dynamicVariable: 'plan',
          reason: pb.MissReason.MISS_REASON_NOT_FOUND,
        },
      ],
      instance: 'replica-1',
    });
    expect(executionUuid).to.match(UUID_V7);
    const times = [before - 5_000, ...[acceptedAt, sendingAt, finishedAt].map(Number), Date.now() + 5_000];
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
    const phases = Object.entries(timings as pb.Timings).filter(([, phase]) => phase !== undefined);
    expect(Object.fromEntries(phases))
      .to.include.keys('queued', 'firstByte', 'total')
      .and.not.have.property('tls');
  });

  it('sends one request as the template says, with what marks it', async () => {
    const agent = await makeAgent(app.rpc, {
      variables: { plan: 'none', tags: null },
      pre: {
        apiSchema: {
          url: `${receiver.url}/calls/{{plan}}?phone={{caller_phone}}`,
          method: 'put',
          requestHeaders: { 'X-Plan': 'is {{plan}}' },
          requestBody: {
            agent: '{{agent_uuid}}',
            conversation: '{{conversation_uuid}}',
            tags: '{{tags}}',
            from: '{{metadata.direction}}',
            text: 'plan {{plan}}',
          },
        },
      },
    });
    const call = newCall(agent);
    const { execution } = await app.rpc.calls.onCallStart({
      ...call,
      callerPhone: '+1 415',
      dynamicVariables: { plan: 'ä/ö', tags: ['😀', 2 ** 53 + 2] },
      metadata: { direction: 'inbound' },
    });
    const { method, url, headers, body } = lastRequest();
    expect({ method, url }).to.deep.equal({
      method: 'PUT',
      url: '/calls/%C3%A4%2F%C3%B6?phone=%2B1%20415',
    });
    expect(body).to.equal(
      JSON.stringify({
        agent: call.agentUuid,
        conversation: call.conversationUuid,
        tags: ['😀', 9007199254740994],
        from: 'inbound',
        text: 'plan ä/ö',
      }),
    );
    const uuid = execution?.executionUuid ?? '';
    const { host, connection, 'content-length': length, ...others } = headers;
    expect(others).to.deep.equal({
      'accept-encoding': 'identity',
      baggage: `callhooks.execution=${uuid}`,
      'callhooks-execution': uuid,
      'content-type': 'application/json',
      'idempotency-key': uuid,
      'user-agent': `callhooks/${VERSION}`,
      'x-plan': 'is ä/ö',
    });
    expect(Number(length)).to.equal(Buffer.byteLength(body));
    expect([host, connection]).to.deep.equal([`127.0.0.1:${receiver.port}`, 'keep-alive']);
  });

  it('lets a webhook say user-agent and idempotency-key itself', async () => {
    const requestHeaders = { 'User-Agent': 'crm', 'Idempotency-Key': '{{conversation_uuid}}' };
    const agent = await makeAgent(app.rpc, {
      pre: { apiSchema: { url: receiver.url, method: 'POST', requestHeaders } },
    });
    const call = newCall(agent);
    await app.rpc.calls.onCallStart(call);
    expect(lastRequest().headers).to.include({
      'user-agent': 'crm',
      'idempotency-key': call.conversationUuid,
    });
  });

  const TRACE = '0af7651916cd43dd8448eb211c80319c';
  for (const [title, traceparent, expected] of [
    [
      'its own span in the trace of its caller',
      `00-${TRACE}-b7ad6b7169203331-01`,
      /^00-TRACE-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    ],
    ['a trace that is not sampled as such', `00-${TRACE}-b7ad6b7169203331-00`, /^00-TRACE-[0-9a-f]{16}-00$/],
    ['no trace without one of the caller', undefined, undefined],
    ['no trace for a malformed one', `00-${TRACE}-xyz-01`, undefined],
    ['no trace for one in capitals', `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, undefined],
    ['no trace for the id of zeros', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
    ['no trace for the span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  ] as const) {
    it(`names ${title}`, async () => {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
      const headers = {
        ...{ baggage: 'user=1,callhooks.execution=not-one', tracestate: 'a=b' },
        ...(traceparent ? { traceparent } : {}),
      };
      const { execution } = await app.rpc.calls.onCallStart(newCall(agent), { headers });
      const sent = lastRequest().headers;
      if (expected === undefined) expect(sent).to.not.have.property('traceparent');
      else expect(String(sent['traceparent']).replace(TRACE, 'TRACE')).to.match(expected);
      expect(sent).to.not.have.property('tracestate');
      expect(sent['baggage']).to.equal(`callhooks.execution=${execution?.executionUuid}`);
    });
  }

  describe('refuses', () => {
    const ids = { agentUuid: randomUUID(), conversationUuid: randomUUID() };
    for (const [title, details, fields] of BAD_DETAILS) {
      it(title, async () => {
        const {
          reason,
          fields: told,
          info,
        } = await errorOf(app.rpc.calls.onCallStart({ ...ids, ...details }));
        expect({ reason, told }).to.deep.equal({ reason: 'VALIDATION_FAILED', told: fields });
        expect(info['violations']).to.equal(String(fields.length));
      });
    }

    for (const [title, uuid] of [
      ['missing', ''],
      ['nil', '00000000-0000-0000-0000-000000000000'],
      ['in braces', `{${randomUUID()}}`],
      ['without dashes', randomUUID().replaceAll('-', '')],
      ['too short', randomUUID().slice(1)],
      ['with a line break', `${randomUUID()}\n`],
    ] as const) {
      it(`UUIDs that are ${title}, with everything else at once`, async () => {
        const { fields } = await errorOf(
          app.rpc.calls.onCallStart({
            agentUuid: uuid,
            conversationUuid: uuid,
            callerPhone: 'x'.repeat(300),
          }),
        );
        expect(fields).to.deep.equal(['agent_uuid', 'conversation_uuid', 'caller_phone']);
      });
    }

    it('variables that are too large only together with the defaults of the agent', async () => {
      const all = Object.entries(variablesOf(VARIABLES_BYTES));
      const [defaults, own] = [all.slice(0, 8), all.slice(8)].map((some) => Object.fromEntries(some));
      const agent = await makeAgent(app.rpc, { variables: defaults ?? {}, pre: postTo(receiver.url) });
      const atLimit = await app.rpc.calls.onCallStart({ ...newCall(agent), dynamicVariables: own ?? {} });
      expect(Object.keys(atLimit.dynamicVariables ?? {})).to.have.length(all.length);
      const { reason, fields } = await errorOf(
        app.rpc.calls.onCallStart({ ...newCall(agent), dynamicVariables: { ...own, v: 0 } }),
      );
      expect({ reason, fields }).to.deep.equal({
        reason: 'VALIDATION_FAILED',
        fields: ['dynamic_variables'],
      });
      // A variable that replaces a default counts once.
      await app.rpc.calls.onCallStart({
        ...newCall(agent),
        dynamicVariables: { ...own, v100: textOf(16_384) },
      });
    });

    it('an agent that there is not, naming it', async () => {
      const { code, reason, resource } = await errorOf(app.rpc.calls.onCallStart(ids));
      expect({ code, reason, resource }).to.deep.equal({
        code: 'NOT_FOUND',
        reason: 'AGENT_NOT_FOUND',
        resource: { type: 'agent', name: ids.agentUuid },
      });
    });

    it('a conversation of another agent, naming the conversation', async () => {
      const [one, other] = [
        await makeAgent(app.rpc, { pre: postTo(receiver.url) }),
        await makeAgent(app.rpc, {}),
      ];
      const call = newCall(one);
      await app.rpc.calls.onCallStart(call);
      const error = await errorOf(app.rpc.calls.onCallStart({ ...call, agentUuid: other.agentUuid }));
      expect([error.code, error.reason]).to.deep.equal([
        'FAILED_PRECONDITION',
        'CONVERSATION_AGENT_MISMATCH',
      ]);
      expect(error.preconditions.map(({ subject }) => subject)).to.deep.equal([
        `conversations/${call.conversationUuid}`,
      ]);
    });

    it('a call from within a webhook that is still sending, before it looks at anything else', async () => {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
      let inner: Awaited<ReturnType<typeof errorOf>> | undefined;
      receiver.respond(async ({ headers }) => {
        const own = { 'callhooks-execution': String(headers['callhooks-execution']) };
        inner = await errorOf(app.rpc.calls.onCallStart(ids, { headers: own }));
        return {};
      });
      const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
      expect([inner?.code, inner?.reason]).to.deep.equal(['FAILED_PRECONDITION', 'WEBHOOK_CHAINING']);
      expect(inner?.preconditions[0]?.subject).to.equal(`executions/${execution?.executionUuid}`);
    });

    it('a repeat whose deadline ends before the start that runs, saying when to try again', async () => {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
      const call = newCall(agent);
      receiver.respond({ delayMs: 600 });
      const first = app.rpc.calls.onCallStart(call);
      await receiver.waitFor(seen + 1);
      const { code, reason, retryAfterMs } = await errorOf(
        app.rpc.calls.onCallStart(call, { deadlineMs: 200 }),
      );
      expect({ code, reason, retryAfterMs }).to.deep.equal({
        code: 'ABORTED',
        reason: 'EXECUTION_RUNNING',
        retryAfterMs: 1_000,
      });
      const waited = await app.rpc.calls.onCallStart(call);
      expect({ ...waited, replayed: false }).to.deep.equal(await first);
    });

    it('a repeat of a start in a state that a newer release wrote, until that release ends it', async () => {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
      const call = newCall(agent);
      const { execution } = await app.rpc.calls.onCallStart(call);
      const beside = openBeside(app.database);
      const setState = (state: number) =>
        beside.use((session) =>
          session.change('UPDATE executions SET state = ? WHERE execution_uuid = ?', [
            state,
            toBytes(execution?.executionUuid ?? ''),
          ]),
        );
      await setState(77);
      const { reason } = await errorOf(app.rpc.calls.onCallStart(call, { deadlineMs: 500 }));
      expect(reason).to.equal('EXECUTION_RUNNING');
      const waiting = app.rpc.calls.onCallStart(call);
      await setState(STATE.succeeded);
      expect((await waiting).execution).to.deep.equal(execution);
      await beside.close();
    });

    it('a deadline that leaves no time, and claims nothing', async () => {
      const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
      const call = newCall(agent);
      const { code, reason } = await errorOf(app.rpc.calls.onCallStart(call, { deadlineMs: 150 }));
      expect([code, reason]).to.deep.equal(['DEADLINE_EXCEEDED', 'DEADLINE_TOO_SHORT']);
      const { conversationUuid } = call;
      expect((await app.rpc.executions.listExecutions({ conversationUuid })).executions).to.deep.equal([]);
      expect((await app.rpc.calls.onCallStart(call)).replayed).to.equal(false);
    });
  });

  describe('takes', () => {
    for (const [title, details] of DETAILS_AT_LIMITS) {
      it(title, async () => {
        const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url, { phone: '{{caller_phone}}' }) });
        const call = { ...newCall(agent), ...details };
        const reply = await app.rpc.calls.onCallStart(call);
        expect(reply.dynamicVariables).to.deep.equal(details.dynamicVariables ?? {});
        expect(outcomeOf(reply.execution as pb.Execution)).to.equal('SUCCEEDED');
        expect(JSON.parse(lastRequest().body)).to.deep.equal({ phone: details.callerPhone ?? null });
        expect(await app.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });
      });
    }
  });

  it('keeps emoji, big numbers and the order of keys, on the way and in the database', async () => {
    const defaults = {
      emoji: '👩‍👩‍👧',
      order: { z: 1, a: { y: 2, b: 3 } },
      big: 2 ** 53 + 2,
      tiny: 5e-324,
      minus: -0,
    };
    receiver.respond({
      body: '{"id":12345678901234567890,"deep":{"z":[9007199254740993,1.50,-0],"a":"\\ud83d\\ude00\\ud800"}}',
    });
    const agent = await makeAgent(app.rpc, {
      variables: { ...defaults, id: null, deep: null },
      pre: postTo(
        receiver.url,
        { all: ['{{emoji}}', '{{order}}', '{{big}}', '{{tiny}}', '{{minus}}'] },
        {
          assignments: [
            { attributeName: 'id', dynamicVariable: 'id' },
            { attributeName: 'deep', dynamicVariable: 'deep' },
          ],
        },
      ),
    });
    const call = newCall(agent);
    const reply = await app.rpc.calls.onCallStart(call);
    expect(lastRequest().body).to.equal('{"all":["👩‍👩‍👧",{"z":1,"a":{"y":2,"b":3}},9007199254740994,5e-324,0]}');
    expect(reply.dynamicVariables).to.deep.equal({
      ...{ ...defaults, minus: 0, id: '12345678901234567890' },
      deep: { z: ['9007199254740993', 1.5, 0], a: '😀\ufffd' },
    });
    expect(Object.keys((reply.dynamicVariables ?? {})['deep'] as object)).to.deep.equal(['z', 'a']);
    const again = await app.rpc.calls.onCallStart(call);
    expect(again).to.deep.equal({ ...reply, replayed: true });
    expect(JSON.stringify(again.dynamicVariables)).to.equal(JSON.stringify(reply.dynamicVariables));
  });

  it('takes the time limit from a deadline that is shorter than the webhook’s, less a reserve', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent), { deadlineMs: 2_000 });
    expect(execution?.timeLimitSource).to.equal(pb.TimeLimitSource.TIME_LIMIT_SOURCE_DEADLINE);
    const limitMs = Number(execution?.timeLimit?.seconds) * 1_000 + Number(execution?.timeLimit?.nanos) / 1e6;
    expect(limitMs).to.be.within(1_000, 1_800);
  });

  describe('tells what became of the webhook, and decides by its policy:', () => {
    const destroy: Respond = (_, response) => void response.destroy();
    const long = JSON.stringify({ name: 'x'.repeat(256 * 1024) });
    const rows: readonly Failing[] = [
      { outcome: 'FAILED HTTP_STATUS YES', reply: { status: 503, body: 'down' }, status: 503 },
      { outcome: 'FAILED HTTP_STATUS YES', reply: { status: 404 }, status: 404 },
      { outcome: 'FAILED REDIRECT YES', reply: { status: 302, headers: { location: '/x' } }, status: 302 },
      { outcome: 'FAILED INVALID_RESPONSE YES', reply: { body: '<html>' }, status: 200 },
      {
        outcome: 'FAILED INVALID_RESPONSE YES',
        reply: { body: '{}', headers: { 'content-encoding': 'gzip' } },
        status: 200,
      },
      { outcome: 'FAILED RESPONSE_TOO_LARGE YES', reply: { body: long }, status: 200 },
      {
        outcome: 'FAILED ASSIGNMENT_MISSING YES',
        reply: { body: { other: 1 } },
        status: 200,
        required: true,
      },
      { outcome: 'FAILED TIMEOUT MAYBE', reply: { delayMs: 5_000 }, config: { responseTimeoutSecs: 0.2 } },
      { outcome: 'FAILED PROTOCOL MAYBE', reply: destroy },
      { outcome: 'FAILED RENDER NO', url: (url) => `${url}/{{missing}}/x` },
      { outcome: 'FAILED EGRESS_DENIED NO', url: () => 'http://inside.example/' },
      { outcome: 'FAILED DNS NO', url: () => 'http://outside.example/' },
      { outcome: 'FAILED TLS NO', url: (url) => url.replace('http:', 'https:') },
      { outcome: 'FAILED CONNECT NO', url: () => `http://127.0.0.1:${closedPort}/` },
    ];
    let closedPort = 0;
    before(async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      closedPort = (server.address() as AddressInfo).port;
      server.close();
      await once(server, 'close');
    });

    for (const row of rows) {
      for (const policy of [proceed, block]) {
        it(`${row.outcome}${row.status ? ` (${row.status})` : ''}, ${policy === block ? 'BLOCK' : 'PROCEED'}`, async () => {
          if (row.reply) receiver.respond(row.reply);
          const agent = await makeAgent(app.rpc, {
            variables: { name: 'nobody', missing: null },
            pre: postTo((row.url ?? String)(receiver.url), undefined, {
              failurePolicy: policy as pb.FailurePolicy,
              assignments: [
                { attributeName: 'name', dynamicVariable: 'name', required: row.required ?? false },
              ],
              ...row.config,
            }),
          });
          const call = newCall(agent);
          const reply = await app.rpc.calls.onCallStart(call);
          const execution = reply.execution as pb.Execution;
          expect(outcomeOf(execution)).to.equal(row.outcome);
          expect(execution.failure?.message).to.match(/\S/);
          const decided = { decision: policy, degraded: policy === proceed };
          expect(reply).to.include(decided);
          expect(execution).to.include({ ...decided, failurePolicy: policy });
          // A failure assigns nothing.
          expect(reply.dynamicVariables).to.deep.equal({ name: 'nobody', missing: null });
          expect(reply.variableSources).to.deep.equal({ name: byDefault, missing: byDefault });
          const { request, response } = await readExecution(app.rpc, execution.executionUuid);
          expect(request === undefined).to.equal(row.outcome.includes('RENDER'));
          expect(response?.status).to.equal(row.status);
          expect(await app.rpc.calls.onCallStart(call)).to.deep.equal({ ...reply, replayed: true });
        });
      }
    }
  });

  it('lists the placeholders that had no value, in order of use', async () => {
    const agent = await makeAgent(app.rpc, {
      variables: { known: { a: 1 } },
      pre: postTo(receiver.url, {
        first: '{{metadata.b}}',
        second: '{{known.z}} {{caller_phone}}',
        third: '{{metadata.b}}',
        fourth: '{{known.a}}',
      }),
    });
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    expect(execution?.missingVariables).to.deep.equal(['metadata.b', 'known.z', 'caller_phone']);
    expect(lastRequest().body).to.equal('{"first":null,"second":" ","third":null,"fourth":1}');
  });

  it('signs with every signing secret, by Standard Webhooks', async () => {
    const keys = [Buffer.alloc(24, 1), Buffer.alloc(64, 2)];
    const agent = await makeAgent(app.rpc, {
      secrets: Object.fromEntries(keys.map((key, i) => [`s${i}`, `whsec_${key.toString('base64')}`])),
      pre: postTo(receiver.url, { a: '😀' }, { signingSecretNames: ['s0', 's1'] }),
    });
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    const { headers, bytes } = lastRequest();
    const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = headers;
    expect(id).to.equal(execution?.executionUuid);
    expect(Math.abs(Number(at) - Date.now() / 1000)).to.be.lessThan(60);
    const expected = keys.map(
      (key) =>
        `v1,${createHmac('sha256', key)
          .update(`${String(id)}.${String(at)}.`)
          .update(bytes)
          .digest('base64')}`,
    );
    expect(String(signature).split(' ')).to.deep.equal(expected);
  });

  it('goes on when its caller is gone, and a repeat is told', async () => {
    const agent = await makeAgent(app.rpc, { pre: postTo(receiver.url) });
    const call = newCall(agent);
    const cancel = new AbortController();
    receiver.respond(async () => {
      cancel.abort();
      return { delayMs: 200 };
    });
    expect((await errorOf(app.rpc.calls.onCallStart(call, { signal: cancel.signal }))).code).to.equal(
      'CANCELLED',
    );
    const reply = await app.rpc.calls.onCallStart(call);
    expect(reply.replayed).to.equal(true);
    expect(outcomeOf(reply.execution as pb.Execution)).to.equal('SUCCEEDED');
    lastRequest();
  });
});

interface Failing {
  readonly outcome: string;
  readonly reply?: Respond | Reply;
  readonly url?: (url: string) => string;
  readonly status?: number;
  readonly required?: boolean;
  readonly config?: Partially<pb.WebhookConfig>;
}
