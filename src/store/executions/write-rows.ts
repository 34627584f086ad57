import type { StartVariables, StoredCallDetails, VariableSource } from '../../domain/call.ts';
import type { Execution } from '../../domain/execution.ts';
import type { JsonObject } from '../../domain/json.ts';
import type {
  ClaimResult,
  InsertResult,
  NewPostCall,
  NewStart,
  Outcome,
  OutcomeResult,
  PostCallClaim,
  WriteBatch,
  WriteResults,
} from '../write-batch.ts';
import {
  decisions,
  failureCodes,
  failurePolicies,
  sents,
  STATE,
  states,
  timeLimitSources,
  TYPE,
} from '../sql/column-values.ts';
import type { Detail } from './execution-rows.ts';

// Rows are tuples of texts and numbers: they are cloned for the thread that writes them, and a tuple is cloned in a third of
// the time of an object with names.

/** A new execution. `part` is the JSON text for its table of large parts. */
export type InsertRow = readonly [
  executionUuid: string,
  conversationUuid: string,
  agentUuid: string,
  webhookUuid: string | null,
  webhookEtag: string,
  state: number,
  failurePolicy: number | null,
  timeLimitMs: number | null,
  timeLimitSource: number | null,
  instance: string,
  part: string,
];

/** An outcome. The last three are the JSON texts of `execution_records`. */
export type OutcomeRow = readonly [
  executionUuid: string,
  claim: string,
  webhookType: number,
  state: number,
  durationMs: number,
  webhookEtag: string,
  failureCode: number | null,
  failureSent: number | null,
  decision: number | null,
  detail: string,
  assigned: string | null,
  request: string | null,
  response: string | null,
];

/** The claim of a post-call. */
export type ClaimRow = readonly [
  executionUuid: string,
  claim: string,
  webhookEtag: string,
  timeLimitMs: number,
  instance: string,
];

/** A {@link WriteBatch} as rows. */
export interface RowBatch {
  readonly outcomes: readonly OutcomeRow[];
  readonly starts: readonly InsertRow[];
  readonly postCalls: readonly InsertRow[];
  readonly claims: readonly ClaimRow[];
}

/** What became of an insert. A number is the `accepted_at` of a row that has this token and is in its first state. */
export type InsertAnswer = number | InsertResult;

/** The JSON texts that a won claim has read. */
export interface ClaimedTexts {
  readonly details: string | null;
  readonly start: string | null;
  readonly assigned: string | null;
  readonly agentEtag: string | null;
}

/** What became of a claim. When it won, it is the texts. */
export type ClaimAnswer = ClaimedTexts | 'lost' | 'start_running';

/** The answers to a {@link RowBatch}, in its order. */
export interface RowAnswers {
  readonly outcomes: readonly OutcomeResult[];
  readonly starts: readonly InsertAnswer[];
  readonly postCalls: readonly InsertAnswer[];
  readonly claims: readonly ClaimAnswer[];
}

/** Writes rows in one transaction; see `ExecutionStore.write`. */
export type WriteRows = (batch: RowBatch) => Promise<RowAnswers>;

/** Makes `ExecutionStore.write` from a function that writes rows. */
export function createWrite(writeRows: WriteRows): (batch: WriteBatch) => Promise<WriteResults> {
  return async (batch) => {
    const answers = await writeRows({
      outcomes: batch.outcomes.map(toOutcomeRow),
      starts: batch.starts.map(toStartRow),
      postCalls: batch.postCalls.map(toPostCallRow),
      claims: batch.claims.map(toClaimRow),
    });
    return {
      outcomes: answers.outcomes,
      starts: answers.starts.map((answer, at) => toStartResult(answer, batch.starts[at] as NewStart)),
      postCalls: answers.postCalls.map((answer, at) =>
        toPostCallResult(answer, batch.postCalls[at] as NewPostCall),
      ),
      claims: answers.claims.map(toClaimResult),
    };
  };
}

function toStartRow({ webhook, ...start }: NewStart): InsertRow {
  const { executionUuid, conversationUuid, agentUuid, instance, startJson } = start;
  if (webhook === undefined)
    return [
      executionUuid,
      conversationUuid,
      agentUuid,
      null,
      '',
      STATE.no_webhook,
      null,
      null,
      null,
      instance,
      startJson,
    ];
  return [
    executionUuid,
    conversationUuid,
    agentUuid,
    webhook.webhookUuid,
    webhook.webhookEtag,
    STATE.sending,
    failurePolicies.toNumber(webhook.failurePolicy),
    Math.round(webhook.timeLimitMs),
    timeLimitSources.toNumber(webhook.timeLimitSource),
    instance,
    startJson,
  ];
}

function toPostCallRow(postCall: NewPostCall): InsertRow {
  const { executionUuid, conversationUuid, agentUuid, webhookUuid, instance, detailsJson } = postCall;
  return [
    executionUuid,
    conversationUuid,
    agentUuid,
    webhookUuid,
    '',
    STATE.accepted,
    null,
    null,
    null,
    instance,
    detailsJson,
  ];
}

function toClaimRow({ executionUuid, claim, webhookEtag, timeLimitMs, instance }: PostCallClaim): ClaimRow {
  return [executionUuid, claim, webhookEtag, Math.round(timeLimitMs), instance];
}

function toOutcomeRow(outcome: Outcome): OutcomeRow {
  const { failure, decision, assigned, assignedSources, request, response } = outcome;
  return [
    outcome.executionUuid,
    outcome.claim,
    TYPE[outcome.webhookType],
    states.toNumber(outcome.state),
    Math.round(outcome.durationMs),
    outcome.webhookEtag,
    failure === undefined ? null : failureCodes.toNumber(failure.code),
    failure === undefined ? null : sents.toNumber(failure.sent),
    decision === undefined ? null : decisions.toNumber(decision),
    toDetail(outcome),
    assigned === undefined ? null : JSON.stringify({ variables: assigned, sources: assignedSources ?? {} }),
    request === undefined ? null : JSON.stringify(request),
    response === undefined ? null : JSON.stringify(response),
  ];
}

function toDetail(outcome: Outcome): string {
  const { failure, timings, missingVariables, missedAssignments, rejectReason } = outcome;
  const detail: Detail = {
    ...(failure === undefined ? {} : { message: failure.message }),
    timings,
    ...(missingVariables.length === 0 ? {} : { missingVariables }),
    ...(missedAssignments.length === 0 ? {} : { missedAssignments }),
    ...(rejectReason === undefined ? {} : { rejectReason }),
  };
  return JSON.stringify(detail);
}

function toStartResult(answer: InsertAnswer, start: NewStart): InsertResult {
  return typeof answer === 'number' ? { kind: 'won', execution: newStartExecution(start, answer) } : answer;
}

// Returns what a later read of the row finds, so that a start and its repeats are answered alike.
function newStartExecution({ webhook, ...start }: NewStart, acceptedAtMs: number): Execution {
  const { executionUuid, agentUuid, conversationUuid, instance } = start;
  return {
    executionUuid,
    agentUuid,
    conversationUuid,
    webhookUuid: webhook?.webhookUuid ?? '',
    webhookEtag: webhook?.webhookEtag ?? '',
    webhookType: 'pre_call',
    state: webhook === undefined ? 'no_webhook' : 'sending',
    failurePolicy: webhook?.failurePolicy ?? null,
    ...(webhook && {
      timeLimitMs: Math.round(webhook.timeLimitMs),
      timeLimitSource: webhook.timeLimitSource,
    }),
    missingVariables: [],
    missedAssignments: [],
    acceptedAtMs,
    ...(webhook === undefined ? { finishedAtMs: acceptedAtMs } : { sendingAtMs: acceptedAtMs }),
    instance,
  };
}

function toPostCallResult(answer: InsertAnswer, postCall: NewPostCall): InsertResult {
  if (typeof answer !== 'number') return answer;
  const { executionUuid, agentUuid, conversationUuid, webhookUuid, instance } = postCall;
  const execution: Execution = {
    executionUuid,
    agentUuid,
    conversationUuid,
    webhookUuid,
    webhookEtag: '',
    webhookType: 'post_call',
    state: 'accepted',
    failurePolicy: null,
    missingVariables: [],
    missedAssignments: [],
    acceptedAtMs: answer,
    instance,
  };
  return { kind: 'won', execution };
}

function toClaimResult(answer: ClaimAnswer): ClaimResult {
  if (typeof answer === 'string') return { kind: answer };
  const start = toStart(answer.start, answer.assigned);
  return {
    kind: 'won',
    ...(answer.details !== null && { details: JSON.parse(answer.details) as StoredCallDetails }),
    detailsLength: answer.details?.length ?? 0,
    ...(start && { start }),
    ...(answer.agentEtag !== null && { agentEtag: answer.agentEtag }),
  };
}

/** The JSON of `execution_records.assigned`. */
export interface AssignedText {
  readonly variables: JsonObject;
  readonly sources: Readonly<Record<string, VariableSource>>;
}

function toStart(start: string | null, assigned: string | null): StartVariables | undefined {
  if (start === null) return undefined;
  const variables = JSON.parse(start) as StartVariables;
  if (assigned === null) return variables;
  const { variables: values, sources } = JSON.parse(assigned) as AssignedText;
  return { ...variables, assigned: values, assignedSources: sources };
}
