import { TimeLimitSource, type Execution, type Timings } from '../gen/index.callhooks.v1.ts';
import type { WebhookToday } from './read-conversation.ts';
import { durationMs, durationText, enumWord } from './words.ts';

/** How long an execution was allowed to take. */
export interface ExplainedTimeLimit {
  readonly ms: number;
  /** The source as a word: `CONFIG` or `DEADLINE`. */
  readonly source: string;
  /** Says how long, and which setting said so. */
  readonly sentence: string;
}

/** A moment in the life of an execution. */
export interface Moment {
  readonly name: 'accepted' | 'begun' | 'finished';
  readonly at: Date;
  /** The name of the replica that did it. It may be empty. */
  readonly replica: string;
}

/** A phase of an execution, for a bar. */
export interface Phase {
  readonly key: 'queued' | 'dns' | 'connect' | 'tls' | 'first_byte' | 'body' | 'waiting';
  /** The name for people: `first byte`. */
  readonly name: string;
  /** What the time was needed for: `to connect`. */
  readonly meaning: string;
  /**
   * When the phase began, in milliseconds after the beginning of the total time. It is negative for the queue of a
   * post-call, which is no part of the total time.
   */
  readonly startMs: number;
  readonly ms: number;
}

/** How long an execution took. */
export interface ExplainedTimings {
  /** The phases that happened, one after another. */
  readonly phases: readonly Phase[];
  /** It is undefined when the execution has not finished. */
  readonly totalMs: number | undefined;
}

/** Says how long the execution was allowed to take. Returns undefined when it has not begun. */
export function explainTimeLimit(execution: Execution, today: WebhookToday): ExplainedTimeLimit | undefined {
  const { timeLimit, timeLimitSource } = execution;
  if (timeLimit === undefined) return undefined;
  const source = enumWord(TimeLimitSource, 'TIME_LIMIT_SOURCE_', timeLimitSource);
  const limit = `It was allowed ${durationText(timeLimit)}`;
  return { ms: durationMs(timeLimit), source, sentence: `${limit}: ${sourceText(source, today)}.` };
}

function sourceText(source: string, today: WebhookToday): string {
  if (source !== 'DEADLINE') return 'response_timeout_secs of the webhook';
  const configured = today.state === 'same' ? today.webhook.webhookConfig?.responseTimeoutSecs : undefined;
  const own = configured === undefined ? '' : `; the webhook itself would have had ${configured} s`;
  return `the deadline of OnCallStart left no more${own}`;
}

/** Returns when the execution was accepted, begun and finished, as far as it was. */
export function explainMoments({ acceptedAt, sendingAt, finishedAt, instance }: Execution): Moment[] {
  const moments = [
    { name: 'accepted', at: acceptedAt, replica: '' },
    { name: 'begun', at: sendingAt, replica: instance },
    { name: 'finished', at: finishedAt, replica: '' },
  ] as const;
  return moments.flatMap(({ name, at, replica }) => (at === undefined ? [] : [{ name, at, replica }]));
}

const PHASES = [
  ['queued', 'queued', 'queued', 'before the request'],
  ['dns', 'dns', 'dns', 'to resolve the host name'],
  ['connect', 'connect', 'connect', 'to connect'],
  ['tls', 'tls', 'tls', 'for the TLS handshake'],
  ['firstByte', 'first_byte', 'first byte', 'from the request until the response head'],
] as const;

// What is shorter is the time between two readings of the clock.
const MIN_REST_MS = 0.05;

/**
 * Returns the phases of an execution, or of a test, one after another. The time that is left is that of the body; without a
 * response head it is the time of waiting. The time to fetch an OAuth2 access token is a part of it. `isPostCall` says that
 * the queue is no part of the total time.
 */
export function explainTimings(timings: Timings | undefined, isPostCall: boolean): ExplainedTimings {
  const phases: Phase[] = [];
  let at = isPostCall && timings?.queued !== undefined ? -durationMs(timings.queued) : 0;
  const add = (key: Phase['key'], name: string, meaning: string, ms: number): void => {
    phases.push({ key, name, meaning, startMs: at, ms });
    at += ms;
  };
  for (const [field, key, name, meaning] of PHASES) {
    const duration = timings?.[field];
    if (duration !== undefined) add(key, name, meaning, durationMs(duration));
  }
  const totalMs = timings?.total && durationMs(timings.total);
  if (totalMs !== undefined && totalMs - at >= MIN_REST_MS)
    if (timings?.firstByte === undefined) add('waiting', 'waiting', 'without a response head', totalMs - at);
    else add('body', 'body', 'to read the response', totalMs - at);
  return { phases, totalMs };
}
