import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { anyAgent, anyRequests, type Known } from '../support/arbitrary-requests.ts';
import { anyDamage, anyHeaders, anyReply } from '../support/arbitrary-wire.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { RpcError } from '../support/rpc.ts';

// ANY_REQUEST_RUNS=500 tries more requests. ANY_REQUEST_SEED repeats a run whose seed was printed.
const RUNS = Number(process.env['ANY_REQUEST_RUNS'] ?? 50);
const SEED = Number(process.env['ANY_REQUEST_SEED'] ?? Date.now() & 0x7fffffff);
// A run of the default size ends by then on a slow machine too. Requests that were not tried are no failure.
const MS_PER_PROPERTY = RUNS * 100;
const DEADLINE_MS = 5_000;

const METHODS = [
  pb.AgentAdminService,
  pb.WebhookAdminService,
  pb.CallLifecycleService,
  pb.ExecutionLogService,
]
  .flatMap((service) => Object.values<Method>(service))
  .filter(({ responseStream }) => !responseStream);

interface Method {
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: never) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}
type RequestName = keyof ReturnType<typeof anyRequests>;

function nameOf({ path }: Method): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function requestOf(method: Method): RequestName {
  return `${nameOf(method)}Request` as RequestName;
}

function encode(method: Method, message: unknown): Buffer {
  const type = pb[requestOf(method)] as unknown as { fromPartial(message: unknown): never };
  return method.requestSerialize(type.fromPartial(message));
}

/** Checks an error against what every request must get, however broken it is, and returns it. */
function checkError(error: unknown): RpcError {
  if (!(error instanceof RpcError)) throw error;
  const text = `${error.code} ${error.reason}: ${error.message}`;
  expect(error.code, text).to.not.be.oneOf(['INTERNAL', 'UNKNOWN', 'CANCELLED', 'UNAVAILABLE']);
  expect(error.reason, text).to.not.equal('');
  expect(error.domain, text).to.equal('callhooks');
  if (error.code !== 'INVALID_ARGUMENT') return error;
  expect(error.reason).to.equal('VALIDATION_FAILED');
  expect(Number(error.info['violations']), text).to.be.at.least(error.violations.length);
  expect(error.violations, text).to.not.deep.equal([]);
  for (const { description } of error.violations) expect(description, text).to.match(/\S/);
  return error;
}

describeEachEngine('A server that gets arbitrary requests', (engine) => {
  let app: TestApp;
  let receiver: Receiver;
  let known: Known;
  let agents: readonly pb.Agent[];
  const outcomes: string[] = [];

  const check = async (title: string, property: fc.IAsyncPropertyWithHooks<any>, runs = RUNS) => {
    const time = { interruptAfterTimeLimit: MS_PER_PROPERTY, markInterruptAsFailure: false };
    await fc.assert(property, { numRuns: runs, seed: SEED, ...time }).catch((error: unknown) => {
      throw new Error(`${title}, ANY_REQUEST_SEED=${SEED}: ${String(error)}`, { cause: error });
    });
  };

  /** Sends bytes. Returns the reply, or the error after it was checked. */
  const send = async (method: Method, bytes: Buffer, headers: Record<string, string> = {}) => {
    try {
      const reply = await app.rpc.raw(method.path, bytes, { deadlineMs: DEADLINE_MS, headers });
      return learn(method.responseDeserialize(reply));
    } catch (error) {
      return checkError(error);
    }
  };

  const learn = <T>(reply: T): T => {
    const { execution, nextPageToken } = reply as { execution?: pb.Execution; nextPageToken?: string };
    if (execution) known.executionUuids.push(execution.executionUuid);
    if (execution) known.conversationUuids.push(execution.conversationUuid);
    if (nextPageToken) known.pageTokens.push(nextPageToken);
    return reply;
  };

  /** Creates the known agents again that a random request has changed or deleted. */
  const restore = async () => {
    for (const wanted of agents) {
      const { agentUuid } = wanted;
      const found = await app.rpc.agents.getAgent({ agentUuid }).catch(checkError);
      if (!(found instanceof RpcError)) {
        if (known.etags.includes(found.agent?.etag ?? '')) continue;
        await app.rpc.agents.deleteAgent({ agentUuid });
      }
      await app.rpc.agents.createAgent({ agent: wanted, secrets: SECRETS });
    }
    const all = await Promise.all(
      agents.map(async ({ agentUuid }) => (await app.rpc.agents.getAgent({ agentUuid })).agent as pb.Agent),
    );
    const webhooks = all.flatMap((agent) => agent.webhooks);
    known.etags.splice(0, Infinity, ...[...all, ...webhooks].map(({ etag }) => etag));
    known.webhookUuids.splice(0, Infinity, ...webhooks.map(({ webhookUuid }) => webhookUuid));
  };

  before(async () => {
    console.log(`      ANY_REQUEST_SEED=${SEED} ANY_REQUEST_RUNS=${RUNS}`);
    const resolve = async () => ({ problem: 'no name is looked up here' });
    receiver = await startReceiver();
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' }, { resolve });
    agents = [agentWithBoth(receiver.url), agentWithBoth(receiver.url)];
    agents = [...agents, { ...agentWithBoth(receiver.url), webhooks: [] }];
    known = {
      agentUuids: agents.map(({ agentUuid }) => agentUuid),
      webhookUuids: [],
      conversationUuids: [],
      executionUuids: [],
      pageTokens: [],
      etags: [],
      endpoint: receiver.url,
    };
    await restore();
  });
  after(async () => {
    await receiver.close();
    await app.close();
  });

  for (const method of METHODS) {
    it(`answers every message to ${nameOf(method)} with a reply or an error of the contract`, async function () {
      this.timeout(2 * MS_PER_PROPERTY + 20_000);
      const request = anyRequests(known)[requestOf(method)] as fc.Arbitrary<unknown>;
      const property = fc.asyncProperty(request, anyReply, async (message, reply) => {
        receiver.respond(reply);
        const answer = await send(method, encode(method, message));
        const outcome = answer instanceof RpcError ? answer.reason : 'OK';
        outcomes.push(outcome);
      });
      await check(nameOf(method), property.afterEach(restore));
    });
  }

  it('answers every sequence of bytes and headers with a reply or an error of the contract', async function () {
    this.timeout(2 * MS_PER_PROPERTY + 20_000);
    const requests = anyRequests(known);
    const bytes = fc.constantFrom(...METHODS).chain((method) =>
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }).map((some) => ({ method, bytes: Buffer.from(some) })),
        fc
          .tuple(requests[requestOf(method)] as fc.Arbitrary<unknown>, anyDamage)
          .map(([message, damage]) => ({ method, bytes: damage(encode(method, message)) })),
      ),
    );
    const property = fc.asyncProperty(bytes, anyHeaders(known), async (call, headers) => {
      await send(call.method, call.bytes, headers);
    });
    await check('any bytes', property.afterEach(restore), 4 * RUNS);
  });

  it('returns an agent as it was saved, and accepts it again as it is', async function () {
    this.timeout(2 * MS_PER_PROPERTY + 20_000);
    let saved = 0;
    const property = fc.asyncProperty(anyAgent(known), async (wanted) => {
      const created = await app.rpc.agents.createAgent({ agent: wanted, secrets: SECRETS }).catch(checkError);
      if (created instanceof RpcError) return;
      saved += 1;
      const agent = created.agent as pb.Agent;
      expect((await app.rpc.agents.getAgent(agent)).agent).to.deep.equal(agent);
      const again = (await app.rpc.agents.updateAgent({ agent, updateMask: ['*'] })).agent as pb.Agent;
      expect(timeless(again)).to.deep.equal(timeless(agent));
      for (const webhook of again.webhooks) {
        const one = await app.rpc.webhooks.updateWebhook({ webhook, updateMask: ['*'] });
        expect(withoutTimes(one.webhook)).to.deep.equal(withoutTimes(webhook));
      }
      const { agent: last } = await app.rpc.agents.getAgent(agent);
      expect(timeless(last as pb.Agent)).to.deep.equal(timeless(agent));
    });
    await check('saving twice', property, 2 * RUNS);
    if (RUNS >= 50) expect(saved).to.be.at.least(RUNS / 4);
  });

  it('answers a repeated start with an equal reply, which its record confirms', async function () {
    this.timeout(2 * MS_PER_PROPERTY + 20_000);
    const { OnCallStartRequest: anyStart, OnCallEndRequest: anyEnd } = anyRequests(known);
    const rounds = fc.tuple(anyAgent(known), anyStart, anyEnd, anyReply);
    const property = fc.asyncProperty(rounds, async ([wanted, some, someEnd, reply]) => {
      receiver.respond(reply);
      const created = await app.rpc.agents
        .createAgent({ agent: wanted, secrets: SECRETS })
        .catch(() => undefined);
      const agentUuid = created?.agent?.agentUuid ?? agents[0]?.agentUuid ?? '';
      const call = { ...some, agentUuid, conversationUuid: randomUUID() };
      const options = { deadlineMs: DEADLINE_MS };
      const once = await app.rpc.calls.onCallStart(call, options).catch(checkError);
      const twice = await app.rpc.calls.onCallStart(call, options).catch(checkError);
      if (once instanceof RpcError) {
        expect(twice).to.be.instanceOf(RpcError).with.property('message', once.message);
        return;
      }
      expect(twice).to.deep.equal({ ...once, replayed: hasWebhooks(created?.agent) });
      await checkRecord(once);
      await checkEnd({ ...someEnd, agentUuid, conversationUuid: call.conversationUuid });
    });
    await check('starting twice', property, 2 * RUNS);
  });

  it('has accepted at least a sixth of the requests, and refused at least a sixth as invalid', () => {
    for (const outcome of ['OK', 'VALIDATION_FAILED'])
      expect(outcomes.filter((it) => it === outcome).length).to.be.at.least(outcomes.length / 6);
  });

  it('has finished everything that it accepted, nothing as INTERNAL, and logged no error', async function () {
    this.timeout(2 * MS_PER_PROPERTY + 20_000);
    const { EXECUTION_STATE_ACCEPTED: accepted, EXECUTION_STATE_SENDING: sending } = pb.ExecutionState;
    const open = async () => {
      const { executions } = await app.rpc.executions.listExecutions({ states: [accepted, sending] });
      return executions.length;
    };
    while ((await open()) > 0) await wait(50);
    const bugs = await app.rpc.executions.listExecutions({
      failureCodes: [pb.FailureCode.FAILURE_CODE_INTERNAL],
    });
    const errors = app.logLines.filter(({ level }) => level === 'error' || level === 'fatal');
    expect(errors, JSON.stringify(errors)).to.deep.equal([]);
    expect(bugs.executions).to.deep.equal([]);
  });

  const hasWebhooks = (agent = agents[0]): boolean => agent !== undefined && agent.webhooks.length > 0;

  const checkRecord = async ({ execution }: pb.OnCallStartResponse) => {
    if (execution === undefined) return;
    const { executionUuid } = execution;
    const { execution: recorded } = await app.rpc.executions.getExecution({ executionUuid });
    const large = { request: undefined, response: undefined, assignedVariables: undefined };
    expect({ ...recorded, ...large }).to.deep.equal(execution);
  };

  const checkEnd = async (call: object) => {
    const once = await app.rpc.calls.onCallEnd(call).catch(checkError);
    const twice = await app.rpc.calls.onCallEnd(call).catch(checkError);
    if (once instanceof RpcError || twice instanceof RpcError) {
      expect(twice)
        .to.be.instanceOf(RpcError)
        .with.property('message', (once as RpcError).message);
      return;
    }
    expect(once.replayed).to.equal(false);
    expect(twice.replayed).to.equal(once.execution !== undefined);
    expect(twice.execution?.executionUuid).to.equal(once.execution?.executionUuid);
  };
});

const SECRETS = {
  token: 'a long enough secret',
  signing: `whsec_${Buffer.alloc(24, 1).toString('base64')}`,
};

function withoutTimes<T extends { etag: string; updatedAt?: Date | undefined }>(saved: T | undefined) {
  return {
    ...saved,
    etag: '',
    updatedAt: undefined,
  };
}

function timeless(agent: pb.Agent) {
  return {
    ...withoutTimes(agent),
    webhooks: agent.webhooks.map(withoutTimes),
  };
}

function agentWithBoth(url: string): pb.Agent {
  const { WEBHOOK_TYPE_PRE_CALL: preCall, WEBHOOK_TYPE_POST_CALL: postCall } = pb.WebhookType;
  const apiSchema = {
    url: `${url}/{{x}}?q={{y}}`,
    method: 'POST',
    requestHeaders: { 'X-Plan': '{{customer_name}}', Authorization: 'Bearer {{secret.token}}' },
    requestBody: { x: '{{x}}', all: '{{metadata}}', text: 'call of {{caller_phone}}: {{y}}' },
  };
  const assignments = [
    { attributeName: 'a', dynamicVariable: 'x' },
    { attributeName: 'items.0.sku', dynamicVariable: 'y', defaultValue: -0 },
  ];
  return pb.Agent.fromPartial({
    agentUuid: randomUUID(),
    dynamicVariables: { x: 'a', y: null, customer_name: '', toString: 1, V_2: [-0, { '1': 1, '0': 0 }] },
    webhooks: [
      { webhookType: preCall, webhookConfig: { apiSchema, assignments, signingSecretNames: ['signing'] } },
      { webhookType: postCall, webhookConfig: { apiSchema } },
    ],
  });
}
