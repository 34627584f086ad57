import {
  ExecutionState,
  FailureCode,
  ListExecutionsRequest,
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

/** Returns the filter of the options. @throws UsageError for a word that is none */
export function followFilter(options: ExplainOptions): ListExecutionsRequest {
  const states = options.state.map((text) => wordOf('--state', ENDED, text));
  return ListExecutionsRequest.fromPartial({
    agentUuid: options.agent ?? '',
    webhookType: options.type === undefined ? 0 : wordOf('--type', TYPES, options.type),
    states: states.length === 0 ? Object.values(ENDED) : states,
    failureCodes: options['failure-code'].map((text) => wordOf('--failure-code', CODES, text)),
    ...(options.degraded ? { degraded: true } : {}),
    ...(options.rejected ? { rejected: true } : {}),
  });
}

/** Returns the milliseconds of `--interval`. @throws UsageError */
export function followInterval(text: string | undefined): number {
  const seconds = text === undefined ? 2 : /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds < 0.1) throw new UsageError(`--interval must be seconds, 0.1 or more, not "${text}"`);
  return 1000 * seconds;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Returns the time of `--since`. @throws UsageError */
export function followSince(text: string | undefined, nowMs: number): Date | undefined {
  if (text === undefined) return undefined;
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at = count === undefined ? new Date(text) : new Date(nowMs - Number(count) * (UNITS[unit] ?? 0));
  if (Number.isNaN(at.getTime()))
    throw new UsageError(`--since must be a time such as 10m, 2h or 2026-11-23T21:00:00Z, not "${text}"`);
  return at;
}

function wordOf<T>(option: string, words: Readonly<Record<string, T>>, text: string): T {
  const word = text.toUpperCase().replaceAll('-', '_');
  const value = Object.hasOwn(words, word) ? words[word] : undefined;
  if (value !== undefined && word !== 'UNSPECIFIED') return value;
  throw new UsageError(`${option} has no value ${text}${didYouMean(word, Object.keys(words))}`);
}
