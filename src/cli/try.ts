import { CLIENT_EXIT_CODES, CLIENT_VARIABLE_HELP } from './client/client-options.ts';
import { defineCommand } from './frame/command.ts';
import { TRIAL_OPTIONS } from './trial/trial-options.ts';

/** Shows what a webhook would send, and sends it if it is asked to. */
export const tryWebhook = defineCommand({
  usage: '[FILE] --agent UUID --type TYPE [options]',
  about: `Renders a webhook with the details of a call that you make up, and shows the request. FILE holds a webhook_config as
JSON, which need not be saved; - reads standard input. Nothing is sent, unless --send is given: then the request goes
to the real endpoint once, with the header callhooks-test: true, and the page shows the answer, what would be assigned,
and what stood in the answer where an assignment found nothing. It makes no execution. Secrets are masked.
It needs a token with the role admin.`,
  options: TRIAL_OPTIONS,
  maxOperands: 1,
  variables: CLIENT_VARIABLE_HELP,
  examples: [
    'callhooks try webhook_config.json --agent UUID --type pre_call --caller-phone +14155550123',
    'callhooks try webhook_config.json --agent UUID --type pre_call --set plan=gold --send',
    'callhooks try --webhook UUID --metadata call.json',
    'callhooks try - --agent UUID --type post_call --call-duration 142.5 < webhook_config.json',
  ],
  exitCodes: {
    0: 'the request was rendered, or sent with success',
    ...CLIENT_EXIT_CODES,
    1: 'it failed, or the server refused',
  },
  async run({ options, operands: [file] }, shell) {
    const { runTrial } = await import('./trial/run-trial.ts');
    return runTrial(options, file, shell);
  },
});
