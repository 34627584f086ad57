import { expect } from 'chai';
import * as pb from '../../../src/gen/index.callhooks.v1.ts';
import type { LoggedCall } from '../../faults/support/call-log.ts';
import type { CallResponse } from '../../faults/support/call-response.ts';
import type { SeenRequest } from '../../faults/support/recorder.ts';
import type { Evidence } from '../../faults/support/reconcile/evidence.ts';
import { reconcile } from '../../faults/support/reconcile/reconcile.ts';

const AGENT = 'agent-1';
const CALL = 'conversation-1';
/** The execution of the start. */
export const START = 'start-1';
/** The execution of the report. */
const END = 'end-1';
/** The time limit of the executions. */
export const LIMIT_MS = 1_000;
/** The time at which the first call of the samples begins, in epoch milliseconds. */
export const T0 = 1_000_000;

/** Evidence in one flat object, so that a row of a table names only its changes. */
export interface FlatEvidence {
  readonly executions: readonly pb.Execution[];
  readonly inspected: readonly pb.Execution[];
  readonly seen: readonly SeenRequest[];
  readonly entries: readonly LoggedCall[];
  readonly disturbances: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly stalls: readonly { readonly fromMs: number; readonly toMs: number }[];
  readonly expected: Evidence['expected'];
}

const STATES = pb.ExecutionState;
export const [SUCCEEDED, FAILED, INTERRUPTED, ACCEPTED, SENDING] = [
  ...[STATES.EXECUTION_STATE_SUCCEEDED, STATES.EXECUTION_STATE_FAILED, STATES.EXECUTION_STATE_INTERRUPTED],
  ...[STATES.EXECUTION_STATE_ACCEPTED, STATES.EXECUTION_STATE_SENDING],
] as const;
export const { SENT_NO, SENT_MAYBE, SENT_YES } = pb.Sent;

function execution(change: Partial<pb.Execution>): pb.Execution {
  return pb.Execution.fromPartial({
    ...{ agentUuid: AGENT, conversationUuid: CALL, state: SUCCEEDED, instance: 'replica-1' },
    ...{ decision: pb.CallDecision.CALL_DECISION_PROCEED, timeLimit: { seconds: BigInt(LIMIT_MS / 1_000) } },
    ...{ acceptedAt: new Date(T0), sendingAt: new Date(T0), finishedAt: new Date(T0 + 100) },
    ...(change as object),
  });
}

/** Returns the execution of the start as the execution log shows it. */
export function startExecution(change: Partial<pb.Execution> = {}): pb.Execution {
  return execution({ executionUuid: START, webhookType: pb.WebhookType.WEBHOOK_TYPE_PRE_CALL, ...change });
}

/** Returns the execution of the report as the execution log shows it. */
export function endExecution(change: Partial<pb.Execution> = {}): pb.Execution {
  return execution({ executionUuid: END, webhookType: pb.WebhookType.WEBHOOK_TYPE_POST_CALL, ...change });
}

/** Returns the part of an execution that says how it failed. */
export function failedAs(code: keyof typeof pb.FailureCode, sent: pb.Sent) {
  return {
    state: code === 'FAILURE_CODE_INTERRUPTED' ? INTERRUPTED : FAILED,
    failure: { code: pb.FailureCode[code], message: '', sent },
  };
}

/** The part of an execution that says that it was interrupted. */
export const INTERRUPTED_AS = failedAs('FAILURE_CODE_INTERRUPTED', SENT_MAYBE);

/** Returns the request of the start as the endpoint saw it. */
export function request(change: Partial<SeenRequest> = {}): SeenRequest {
  return {
    ...{ path: '/pre', type: 'pre_call', executionUuid: START, conversationUuid: CALL, headAtMs: T0 + 10 },
    ...{ isBodyComplete: true, answer: { atMs: T0 + 50, status: 200 } },
    ...change,
  };
}

/** Returns the request of the report as the endpoint saw it. */
export function endRequest(change: Partial<SeenRequest> = {}): SeenRequest {
  return request({ path: '/post', type: 'post_call', executionUuid: END, ...change });
}

/** Returns a request that the endpoint did not answer. */
export function unanswered(seen: SeenRequest): SeenRequest {
  const { answer: _, ...rest } = seen;
  return rest;
}

/** Returns one call with its response, as the caller logged it. */
export function entry(
  rpc: LoggedCall['rpc'],
  sentAtMs: number,
  response: CallResponse,
  change: Partial<LoggedCall> = {},
): LoggedCall {
  return {
    ...{ rpc, agentUuid: AGENT, conversationUuid: CALL, replica: 'replica-1' },
    ...{ sentAtMs, respondedAtMs: sentAtMs + 100, deadlineAtMs: sentAtMs + 8_000, response },
    ...change,
  };
}

interface Said {
  readonly replayed?: boolean;
  readonly uuid?: string | undefined;
  readonly state?: pb.ExecutionState;
  readonly name?: string;
  readonly decision?: number;
  readonly rejected?: boolean;
  readonly rejectReason?: string;
}

/** Returns an OK response. */
export function reply(said: Said): CallResponse {
  const { replayed = false, uuid, state, name, decision = 1, rejected = false, rejectReason = '' } = said;
  const dynamicVariables = { customer_name: name };
  const text = JSON.stringify({ decision, degraded: false, rejected, rejectReason, dynamicVariables });
  return { kind: 'reply', text, replayed, executionUuid: uuid, state };
}

/** Returns the OK response to the start. */
export function started(said: Said = {}): CallResponse {
  return reply({ uuid: START, state: SUCCEEDED, name: `Ada ${START}`, ...said });
}

/** Returns the OK response to OnCallEnd. */
export function ended(said: Said = {}): CallResponse {
  return reply({ uuid: END, state: ACCEPTED, ...said });
}

/** Returns an error response. */
export function refused(
  reason: string,
  code = 'UNAVAILABLE',
  retryAfterMs: number | undefined = 100,
): CallResponse {
  return {
    ...{ kind: 'error', code, reason, message: 'no', retryAfterMs },
  };
}

/** The evidence of a run without a fault: one call with its start and its report, each sent once and repeated once. */
export const CLEAN: FlatEvidence = {
  executions: [startExecution(), endExecution()],
  inspected: [startExecution({ assignedVariables: { customer_name: `Ada ${START}` } })],
  seen: [request(), endRequest()],
  entries: [
    entry('start', T0, started()),
    entry('start', T0 + 200, started({ replayed: true })),
    entry('end', T0 + 400, ended()),
    entry('end', T0 + 600, ended({ replayed: true, state: SUCCEEDED })),
  ],
  disturbances: [{ fromMs: T0 - 60_000, toMs: T0 - 50_000 }],
  stalls: [],
  expected: {},
};

/** Returns the violations that the comparison finds, with the replies and marks that came late. */
export function violationsOf(details: FlatEvidence): readonly string[] {
  const { executions, inspected, seen, entries, disturbances, stalls, expected } = details;
  const { violations, late } = reconcile({
    executions,
    inspected,
    expected,
    agents: [{ agentUuid: AGENT, webhooks: ['pre_call', 'post_call'] }],
    recorder: { requests: () => seen, stalls },
    callLog: { entries, stalls: [] },
    replicas: [{ name: 'replica-1', disturbances }],
  });
  return [...violations, ...late.map(({ what }) => what)];
}

/** A change of the clean evidence, and the violation that it must lead to. */
export interface Row {
  readonly title: string;
  readonly change: Partial<FlatEvidence>;
  readonly violation: RegExp;
}

/** The first call of the clean run to OnCallStart, and the first to OnCallEnd. */
export const [firstStart, , firstEnd] = CLEAN.entries as [LoggedCall, LoggedCall, LoggedCall, LoggedCall];
/** Another conversation. */
export const OTHER = 'conversation-2';
/** Returns the ids of an execution of another conversation. */
export function other(uuid: string) {
  return { executionUuid: uuid, conversationUuid: OTHER };
}

/** Returns the entries of the clean run and one more call. */
export function repeat(
  rpc: LoggedCall['rpc'],
  response: CallResponse,
  change: Partial<LoggedCall> = {},
): readonly LoggedCall[] {
  return [...CLEAN.entries, entry(rpc, T0 + 2_000, response, change)];
}

/** Returns evidence in which the execution of the report is changed, and the request of it. */
export function endIs(
  change: Partial<pb.Execution>,
  seenAs: SeenRequest = endRequest(),
): Partial<FlatEvidence> {
  return {
    executions: [startExecution(), endExecution(change)],
    seen: [request(), seenAs],
    entries: CLEAN.entries.slice(0, 3),
  };
}

/** Returns evidence in which the execution of the report is changed, and the endpoint saw no request of it. */
export function endIsUnseen(change: Partial<pb.Execution>): Partial<FlatEvidence> {
  return {
    ...endIs(change),
    seen: [request()],
  };
}

/** Declares a test for each row: the comparison reports its violation. */
export function testRows(rows: readonly Row[]): void {
  for (const { title, change, violation } of rows)
    it(`reports ${title}`, () => {
      const violations = violationsOf({ ...CLEAN, ...change });
      const found = violations.filter((text) => violation.test(text));
      expect(found, violations.join('\n')).to.not.be.empty;
    });
}
