import {
  ExecutionState,
  FailureCode,
  WatchExecutionsRequest,
  WebhookType,
} from '../../gen/index.callhooks.v1.ts';
import { UsageError } from '../frame/command.ts';
import { didYouMean } from '../frame/did-you-mean.ts';
import type { ExplainOptions } from './explain-options.ts';

const ENDED: Readonly<Record<string, ExecutionState>> = {
  SUCCEEDED: ExecutionState.EXECUTION_STATE_SUCCEEDED,
  FAILED: ExecutionState.EXECUTION_STATE_FAILED,
  INTERRUPTED: ExecutionState.EXECUTION_STATE_INTERRUPTED,
};
const TYPES: Readonly<Record<string, WebhookType>> = {
  PRE_CALL: WebhookType.WEBHOOK_TYPE_PRE_CALL,
  POST_CALL: WebhookType.WEBHOOK_TYPE_POST_CALL,
};
const CODES: Readonly<Record<string, FailureCode>> = Object.fromEntries(
  Object.entries(FailureCode).map(([name, code]) => [name.slice('FAILURE_CODE_'.length), code]),
);

/** Returns the request for what the options ask for. @throws UsageError for a word that is none */
export function followRequest(options: ExplainOptions, nowMs: number): WatchExecutionsRequest {
  return WatchExecutionsRequest.fromPartial({
    agentUuid: options.agent ?? '',
    webhookType: options.type === undefined ? 0 : wordOf('--type', TYPES, options.type),
    states: options.state.map((text) => wordOf('--state', ENDED, text)),
    failureCodes: options['failure-code'].map((text) => wordOf('--failure-code', CODES, text)),
    ...(options.degraded ? { degraded: true } : {}),
    ...(options.rejected ? { rejected: true } : {}),
    finishedAtFrom: sinceOf(options.since, nowMs),
  });
}

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

// The request takes a moment, and the clock of the server may go ahead of this one. The server takes a day.
const SLACK_MS = 60_000;

function sinceOf(text: string | undefined, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at = count === undefined ? new Date(text) : new Date(nowMs - Number(count) * (UNITS[unit] ?? 0));
  if (Number.isNaN(at.getTime()))
    throw new UsageError(`--since must be a time such as 10m, 2h or 2026-11-23T21:00:00Z, not "${text}"`);
  if (nowMs - at.getTime() > DAY_MS) throw new UsageError('--since must be at most 24 hours ago');
  return new Date(Math.max(at.getTime(), nowMs - DAY_MS + SLACK_MS));
}

function wordOf<T>(option: string, words: Readonly<Record<string, T>>, text: string): T {
  const word = text.toUpperCase().replaceAll('-', '_');
  const value = Object.hasOwn(words, word) ? words[word] : undefined;
  if (value !== undefined && word !== 'UNSPECIFIED') return value;
  throw new UsageError(`${option} has no value ${text}${didYouMean(word, Object.keys(words))}`);
}
