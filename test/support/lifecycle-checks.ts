import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { CallChange, Expectation, Kind, LifecycleCase, Step } from './lifecycle-case.ts';
import { ASSIGNED, type CaseRun, type Outcome } from './lifecycle-run.ts';
import { RpcError } from './rpc.ts';
import { until } from './until.ts';

interface ExpectedEnd {
  readonly state?: string | undefined;
  readonly failure?: string | undefined;
}

/** Checks a reply or an error against the parts that a step names. */
export function checkOutcome(
  outcome: Outcome,
  expected: Expectation | undefined,
  change: CallChange = {},
): void {
  if (change.cancel_after_ms !== undefined)
    return void expect((outcome as RpcError).code).to.equal('CANCELLED');
  if (expected?.status !== undefined) {
    expect(outcome, 'an error').to.be.instanceOf(RpcError);
    expect((outcome as RpcError).code).to.equal(expected.status);
    if (expected.reason !== undefined) expect((outcome as RpcError).reason).to.equal(expected.reason);
    return;
  }
  if (outcome instanceof RpcError) throw outcome;
  if (expected) checkReply(outcome, expected);
}

function checkReply(reply: pb.OnCallStartResponse | pb.OnCallEndResponse, expected: Expectation): void {
  const { execution } = reply;
  if (expected.execution === null) expect(execution).to.equal(undefined);
  if (expected.replayed !== undefined) expect(reply.replayed, 'replayed').to.equal(expected.replayed);
  checkEnd(execution, expected);
  if (expected.time_limit_source) {
    expect(execution?.timeLimitSource).to.equal(
      pb.TimeLimitSource[`TIME_LIMIT_SOURCE_${expected.time_limit_source}` as never],
    );
  }
  if (!('decision' in reply)) return;
  if (expected.decision)
    expect(reply.decision).to.equal(pb.CallDecision[`CALL_DECISION_${expected.decision}`]);
  if (expected.degraded !== undefined) expect(reply.degraded, 'degraded').to.equal(expected.degraded);
  if (expected.dynamic_variables) expect(reply.dynamicVariables).to.include(expected.dynamic_variables);
}

/** Waits until the post-call of the conversation has ended, and checks how. */
export async function checkPostCall(
  { rpc, conversationUuid }: CaseRun,
  expected: NonNullable<Step['settled']>,
): Promise<void> {
  const webhookType = pb.WebhookType.WEBHOOK_TYPE_POST_CALL;
  const ended = await until(
    'the post-call to end',
    async () => {
      const { executions } = await rpc.executions.listExecutions({ conversationUuid, webhookType });
      return executions[0]?.finishedAt && executions[0];
    },
    { timeoutMs: 10_000 },
  );
  checkEnd(ended, { state: expected.post, failure: expected.failure });
}

function checkEnd(execution: pb.Execution | undefined, { state, failure }: ExpectedEnd): void {
  if (state) expect(execution?.state).to.equal(pb.ExecutionState[`EXECUTION_STATE_${state}` as never]);
  if (failure) expect(execution?.failure?.code).to.equal(pb.FailureCode[`FAILURE_CODE_${failure}` as never]);
}

/** Checks the requests that the endpoint has received in the whole case. */
export async function checkRequests(run: CaseRun, vector: LifecycleCase): Promise<void> {
  const kinds = (): string[] => run.receiver.requests.map(({ url }) => url.slice(1));
  if (vector.requests?.post) await checkPostCall(run, {});
  for (const kind of ['pre', 'post']) {
    if (vector.requests)
      expect(
        kinds().filter((each) => each === kind),
        kind,
      ).to.have.length(vector.requests[kind as Kind] ?? 0);
  }
  if (vector.order) expect(kinds()).to.deep.equal(vector.order);
  const post = run.receiver.requests.find(({ url }) => url === '/post');
  if (vector.post_body_has_assigned_variables)
    expect(JSON.parse(post?.body ?? '')).to.include({ customer_name: ASSIGNED });
  if (vector.post_body_has) expect(JSON.parse(post?.body ?? '')).to.include(vector.post_body_has);
}
