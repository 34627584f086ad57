import { CLIENT_OPTIONS } from '../client/client-options.ts';
import type { OptionValues } from '../frame/command.ts';

/** Holds the options that choose what `callhooks explain --follow` shows. */
export const FOLLOW_OPTIONS = {
  agent: { value: 'UUID', help: 'with --follow: only executions of this agent' },
  type: { value: 'TYPE', help: 'with --follow: pre_call or post_call' },
  state: { value: 'STATE', repeats: true, help: 'with --follow: SUCCEEDED, FAILED or INTERRUPTED' },
  'failure-code': { value: 'CODE', repeats: true, help: 'with --follow: only failures such as TIMEOUT' },
  degraded: { help: 'with --follow: only calls that proceed although their webhook failed' },
  rejected: { help: 'with --follow: only calls that the endpoint rejected' },
  since: {
    value: 'TIME',
    help: 'with --follow: also what has ended since, at most 24h ago: 10m, or 2026-11-23T21:00:00Z',
  },
} as const;

/** Holds all options of `callhooks explain`. */
export const EXPLAIN_OPTIONS = {
  conversation: { value: 'UUID', help: 'explain the pre-call and the post-call of this conversation' },
  execution: { value: 'UUID', help: 'explain this execution' },
  follow: { help: 'print a line for each execution when it has ended, until Ctrl-C' },
  json: { help: 'print JSON' },
  ...FOLLOW_OPTIONS,
  ...CLIENT_OPTIONS,
} as const;

/** The values of {@link EXPLAIN_OPTIONS}. */
export type ExplainOptions = OptionValues<typeof EXPLAIN_OPTIONS>;
