import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { CallChange, Kind, LifecycleCase, Step } from './lifecycle-case.ts';
import { checkOutcome, checkPostCall, checkRequests } from './lifecycle-checks.ts';
import {
  asError,
  beginCaseRun,
  callOf,
  policyOf,
  startCall,
  type CaseRun,
  type Outcome,
} from './lifecycle-run.ts';
import { startReceiver } from './receiver.ts';
import type { Rpc } from './rpc.ts';

/** Plays one case against a callhooks that may dial loopback. */
export async function playLifecycleCase(target: Rpc, vector: LifecycleCase): Promise<void> {
  const receiver = await startReceiver();
  const run = await beginCaseRun(target, receiver, vector);
  try {
    for (const step of vector.steps) await playStep(run, step);
    await Promise.all(run.background);
    await checkRequests(run, vector);
  } finally {
    await Promise.allSettled(run.background);
    await receiver.close();
  }
}

async function playStep(run: CaseRun, step: Step): Promise<void> {
  if (step.start) checkOutcome(await startCall(run, step.start), step.expect, step.start);
  if (step.end) {
    checkOutcome(await run.rpc.calls.onCallEnd(callOf(run, step.end)).catch(asError), step.expect);
  }
  if (step.start_in_background) {
    run.background.push(startCall(run, step.start_in_background));
    await run.receiver.waitFor(run.receiver.requests.length + 1);
  }
  if (step.parallel) await playParallel(run, step.parallel);
  if (step.set) await changeWebhook(run, step.set);
  if (step.delete_webhook) {
    await run.rpc.webhooks.deleteWebhook({
      webhookUuid: run.webhooks[step.delete_webhook]?.webhookUuid ?? '',
    });
  }
  if (step.delete_agent) await run.rpc.agents.deleteAgent({ agentUuid: run.agentUuid });
  if (step.settled) await checkPostCall(run, step.settled);
  if (step.start_from_endpoint_with_header || step.start_from_endpoint_with_baggage) {
    await startFromEndpoint(run, step);
  }
  if (step.start_later_with_baggage) {
    const call = { ...callOf(run, {}), conversationUuid: randomUUID() };
    const headers = { baggage: run.lastBaggage };
    checkOutcome(await run.rpc.calls.onCallStart(call, { headers }).catch(asError), step.expect);
  }
}

async function startFromEndpoint(run: CaseRun, step: Step): Promise<void> {
  let inner: Outcome | undefined;
  run.onPreCall = async (request) => {
    run.onPreCall = undefined;
    const name = step.start_from_endpoint_with_header ?? 'baggage';
    const headers = { [name]: String(request.headers[name]) };
    const call = { ...callOf(run, {}), conversationUuid: randomUUID() };
    inner = await run.rpc.calls.onCallStart(call, { headers }).catch(asError);
  };
  checkOutcome(await startCall(run, {}), { decision: 'PROCEED' });
  expect(inner, 'the call from the endpoint').to.not.equal(undefined);
  checkOutcome(inner as Outcome, step.expect);
}

async function playParallel(run: CaseRun, calls: readonly { readonly start: CallChange }[]): Promise<void> {
  const replies = await Promise.all(calls.map(({ start }) => startCall(run, start)));
  const plain = replies.map((reply) => ({ ...(reply as pb.OnCallStartResponse), replayed: false }));
  for (const reply of plain) expect(reply).to.deep.equal(plain[0]);
  expect(replies.filter((reply) => !(reply as pb.OnCallStartResponse).replayed)).to.have.length(1);
}

async function changeWebhook(run: CaseRun, set: NonNullable<Step['set']>): Promise<void> {
  if (set.failure_policy) {
    await run.rpc.webhooks.updateWebhook({
      webhook: {
        webhookUuid: run.webhooks.pre?.webhookUuid ?? '',
        webhookConfig: { failurePolicy: policyOf(set.failure_policy) },
      },
      updateMask: ['webhook_config.failure_policy'],
    });
  }
  for (const [kind, disabled] of Object.entries(set.disabled ?? {})) {
    const webhookUuid = run.webhooks[kind as Kind]?.webhookUuid ?? '';
    await run.rpc.webhooks.updateWebhook({ webhook: { webhookUuid, disabled }, updateMask: ['disabled'] });
  }
}
