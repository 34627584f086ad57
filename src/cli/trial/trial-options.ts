import { CLIENT_OPTIONS } from '../client/client-options.ts';
import type { OptionValues } from '../frame/command.ts';

/** Holds the options of `callhooks try`. */
export const TRIAL_OPTIONS = {
  agent: { value: 'UUID', help: 'the agent whose variables and secrets are used' },
  type: { value: 'TYPE', help: 'pre_call or post_call' },
  webhook: {
    value: 'UUID',
    help: 'a stored webhook: without FILE it is tried itself, with FILE its masked values are taken from it',
  },
  set: {
    value: 'NAME=VALUE',
    repeats: true,
    help: 'a dynamic variable of the call; the value is JSON if it can be read so, else a text',
  },
  'caller-phone': { value: 'NUMBER', help: 'the number of the caller' },
  metadata: { value: 'FILE', help: 'the metadata of the call, a file with a JSON object' },
  conversation: { value: 'UUID', help: 'the conversation (the server makes one up)' },
  'call-duration': { value: 'SECONDS', help: 'how long the call took, for post_call' },
  'call-summary': { value: 'TEXT', help: 'a summary of the call, for post_call' },
  send: { help: 'send the request to the real endpoint, once' },
  json: { help: 'print the answer of the server as JSON' },
  ...CLIENT_OPTIONS,
} as const;

/** The values of {@link TRIAL_OPTIONS}. */
export type TrialOptions = OptionValues<typeof TRIAL_OPTIONS>;
