import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { nameOf, sentOf } from './execution-log.ts';
import type { Entry, Journal } from './journal.ts';
import type { Recorder, SeenRequest } from './recorder.ts';
import type { Replica } from './replicas.ts';
import { stalledBetween, type Stall } from './stalls.ts';

/** What is compared: each side was written by somebody else. */
export interface Evidence {
  readonly executions: readonly pb.Execution[];
  readonly recorders: readonly Recorder[];
  readonly journal: Journal;
  readonly replicas: readonly Replica[];
  /** Reasons for which this scenario may have calls refused, besides the usual ones. */
  readonly alsoRefusedAs?: readonly string[];
}

/** What came of a comparison. */
export interface Verdict {
  /** One sentence each; none may be. */
  readonly violations: readonly string[];
  /** Of the whole: how much was compared. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Compares what the endpoints saw, what the log says, and what each caller was told. */
export const reconcile = (evidence: Evidence): Verdict => {
  const seen = evidence.recorders.flatMap((recorder) => recorder.requests());
  const { entries } = evidence.journal;
  return {
    violations: [
      ...checkRequests(seen, evidence.executions),
      ...evidence.executions.flatMap((execution) => checkExecution(execution, byExecution(seen))),
      ...checkStarts(entries),
      ...checkEnds(entries, evidence.executions),
      ...checkTold(entries, evidence.executions),
      ...checkErrors(evidence),
      ...checkTimes(evidence),
    ],
    figures: {
      executions: evidence.executions.length,
      requests: seen.length,
      calls: entries.length,
      replies: entries.filter(({ told }) => told.kind === 'reply').length,
      interrupted: evidence.executions.filter(({ state }) => nameOf(state) === 'INTERRUPTED').length,
    },
  };
};

const index = new WeakMap<readonly SeenRequest[], Map<string, SeenRequest>>();

const byExecution = (seen: readonly SeenRequest[]): ReadonlyMap<string, SeenRequest> => {
  const known = index.get(seen) ?? new Map(seen.map((request) => [request.executionUuid, request]));
  index.set(seen, known);
  return known;
};

// At most one request per (conversation, type), each of an execution that is on record.
const checkRequests = (seen: readonly SeenRequest[], executions: readonly pb.Execution[]): string[] => {
  const problems: string[] = [];
  const onRecord = new Set(executions.map(({ executionUuid }) => executionUuid));
  const keys = new Map<string, SeenRequest>();
  for (const request of seen) {
    const key = `${request.type} of ${request.conversationUuid}`;
    if (keys.has(key)) problems.push(`sent twice: the ${key}`);
    keys.set(key, request);
    if (!onRecord.has(request.executionUuid))
      problems.push(`not on record, but sent: ${request.executionUuid}, the ${key}`);
  }
  return problems;
};

const checkExecution = (execution: pb.Execution, seen: ReadonlyMap<string, SeenRequest>): string[] => {
  const { executionUuid } = execution;
  const state = nameOf(execution.state);
  const sent = sentOf(execution);
  const request = seen.get(executionUuid);
  const said = `${executionUuid} is ${state}${sent === '' ? '' : `, sent ${sent}`}`;
  const problems: string[] = [];
  if (state === 'ACCEPTED' || state === 'SENDING') problems.push(`it has no end: ${said}`);
  if (state === 'SUCCEEDED' && request?.answer === undefined)
    problems.push(`the endpoint did not answer it: ${said}`);
  if (state === 'SUCCEEDED' && request?.answer !== undefined && request.answer.status !== 200)
    problems.push(`the endpoint answered ${request.answer.status}: ${said}`);
  if (sent === 'NO' && request !== undefined) problems.push(`the endpoint saw it: ${said}`);
  if (sent === 'YES' && request === undefined) problems.push(`the endpoint never saw it: ${said}`);
  if (state !== 'SUCCEEDED' && sent === '') problems.push(`it does not say whether it was sent: ${said}`);
  return problems;
};

const groupByConversation = (entries: readonly Entry[], rpc: Entry['rpc']): readonly Entry[][] => [
  ...Map.groupBy(
    entries.filter((entry) => entry.rpc === rpc),
    ({ conversationUuid }) => conversationUuid,
  ).values(),
];

// Every OK reply of a start equals every other one, but for `replayed`; one caller at most was told a first time.
const checkStarts = (entries: readonly Entry[]): string[] =>
  groupByConversation(entries, 'start').flatMap((calls) => {
    const replies = calls.flatMap(({ told }) => (told.kind === 'reply' ? [told] : []));
    const texts = new Set(replies.map(({ text }) => text));
    const conversation = calls[0]?.conversationUuid;
    return [
      ...(texts.size > 1
        ? [`the start of ${conversation} was told differently: ${[...texts].join(' and ')}`]
        : []),
      ...(replies.filter(({ replayed }) => !replayed).length > 1
        ? [`the start of ${conversation} was told twice as the first`]
        : []),
    ];
  });

const RANKS: Readonly<Record<string, number>> = {
  ACCEPTED: 1,
  SENDING: 2,
  INTERRUPTED: 3,
  SUCCEEDED: 4,
  FAILED: 4,
};

// The same execution in each reply of an end; later replies, and the log, never show an earlier state.
const checkEnds = (entries: readonly Entry[], executions: readonly pb.Execution[]): string[] => {
  const log = new Map(executions.map((execution) => [execution.executionUuid, nameOf(execution.state)]));
  return groupByConversation(entries, 'end').flatMap((calls) => {
    const replies = calls.flatMap((call) =>
      call.told.kind === 'reply' && call.told.executionUuid !== undefined
        ? [{ ...call, told: call.told }]
        : [],
    );
    const uuids = new Set(replies.map(({ told }) => told.executionUuid));
    const conversation = calls[0]?.conversationUuid;
    if (uuids.size > 1) return [`the end of ${conversation} has ${uuids.size} executions`];
    const final = log.get([...uuids][0] ?? '');
    return replies.flatMap((earlier) => {
      const later = replies
        .filter(({ sentAtMs }) => sentAtMs > earlier.toldAtMs)
        .map(({ told }) => nameOf(told.state));
      const before = nameOf(earlier.told.state);
      return [...later, ...(final === undefined ? [] : [final])]
        .filter((after) => isBack(before, after))
        .map((after) => `the end of ${conversation} was told as ${before}, later as ${after}`);
    });
  });
};

const isBack = (before: string, after: string): boolean => {
  const [from = 0, to = 0] = [RANKS[before], RANKS[after]];
  return to < from || (from === 4 && before !== after);
};

// What a caller was told of lies on record, and a start's reply says what the record says.
const checkTold = (entries: readonly Entry[], executions: readonly pb.Execution[]): string[] => {
  const states = new Map(executions.map(({ executionUuid, state }) => [executionUuid, state]));
  return entries.flatMap(({ rpc, told }) => {
    if (told.kind !== 'reply' || told.executionUuid === undefined) return [];
    const state = states.get(told.executionUuid);
    if (state === undefined) return [`a caller was told of ${told.executionUuid}, which is not on record`];
    if (rpc === 'start' && state !== told.state)
      return [`a caller was told ${nameOf(told.state)} of ${told.executionUuid}, which is ${nameOf(state)}`];
    return [];
  });
};

const POLITE = new Set([
  'DATABASE_UNAVAILABLE',
  'OUTCOME_NOT_RECORDED',
  'SHUTTING_DOWN',
  'EXECUTION_RUNNING',
]);

const SHORT_MS = 2_000;
const TOO_LATE = new Set(['DEADLINE_TOO_SHORT', 'DEADLINE_EXCEEDED']);

// An error is one of those that invite a repeat; without a reason it comes from the connection to a replica that was
// just killed or frozen.
const checkErrors = ({ journal, recorders, replicas, alsoRefusedAs = [] }: Evidence): string[] => {
  const stalls = [...journal.stalls, ...recorders.flatMap((recorder) => recorder.stalls)];
  return journal.entries.flatMap((entry) => {
    const { told } = entry;
    if (told.kind === 'reply' || POLITE.has(told.reason) || alsoRefusedAs.includes(told.reason)) return [];
    // The machine gave somebody no turn before a deadline that was short.
    const isStalled = stalledBetween(stalls, entry.sentAtMs, entry.toldAtMs) > 0;
    const isShort = entry.deadlineAtMs - entry.sentAtMs < SHORT_MS;
    if (isShort && isStalled && TOO_LATE.has(told.reason || told.code)) return [];
    const isExcused = told.reason === '' && told.code !== 'INTERNAL' && wasDisturbed(replicas, entry);
    const said = `${told.code} ${told.reason} (${told.message})`;
    return isExcused
      ? []
      : [`the ${entry.rpc} of ${entry.conversationUuid} was told ${said} by ${entry.replica}`];
  });
};

const LATE_MS = 100;

// No reply later than the caller's deadline + 100 ms, but for the time in which this machine gave the caller or the
// endpoint no turn, and for replicas that were killed or frozen.
const checkTimes = ({ journal, recorders, replicas }: Evidence): string[] => {
  const stalls = [...journal.stalls, ...recorders.flatMap((recorder) => recorder.stalls)];
  return journal.entries.flatMap((entry) => {
    const lateMs = entry.toldAtMs - entry.deadlineAtMs;
    if (lateMs <= LATE_MS || wasDisturbed(replicas, entry)) return [];
    const stalledMs = stalledBetween(stalls, entry.sentAtMs, entry.toldAtMs);
    if (lateMs - stalledMs <= LATE_MS) return [];
    const what = `the ${entry.rpc} of ${entry.conversationUuid} by ${entry.replica}`;
    return [`${Math.round(lateMs - stalledMs)} ms after its deadline: ${what}`];
  });
};

const wasDisturbed = (replicas: readonly Replica[], { replica, sentAtMs, toldAtMs }: Entry): boolean => {
  const overlaps = ({ fromMs, toMs }: Stall): boolean => fromMs <= toldAtMs && toMs >= sentAtMs;
  return replicas.some(({ name, disturbances }) => name === replica && disturbances.some(overlaps));
};
