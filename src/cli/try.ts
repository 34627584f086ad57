import { TestWebhookResponse, WebhookAdminService } from '../gen/index.callhooks.v1.ts';
import { ApiError, violationLines } from './client/api-error.ts';
import { CLIENT_EXIT_CODES, CLIENT_OPTIONS, CLIENT_VARIABLE_HELP } from './client/client-options.ts';
import { connect } from './client/connect.ts';
import { loadProtoJson } from './client/proto-json.ts';
import { CommandError, defineCommand } from './frame/command.ts';
import { EXIT } from './frame/exit-codes.ts';
import { createPage } from './pages/page.ts';
import { readConfigFile, type ConfigFile } from './trial/config-file.ts';
import { trialPage } from './trial/trial-page.ts';
import { TRIAL_OPTIONS, trialRequest } from './trial/trial-request.ts';

// A sent test may take the longest time limit of a webhook, 60 s.
const DEFAULT_TIMEOUT_S = 70;

/** Shows what a webhook would send, and sends it if it is asked to. */
export const tryWebhook = defineCommand({
  usage: '[FILE] --agent UUID --type TYPE [options]',
  about: `Renders a webhook with the details of a call that you make up, and shows the request. FILE holds a webhook_config as
JSON, which need not be saved; - reads standard input. Nothing is sent, unless --send is given: then the request goes
to the real endpoint once, with the header callhooks-test: true, and the page shows the answer, what would be assigned,
and what stood in the answer where an assignment found nothing. It makes no execution. Secrets are masked.
It needs a token with the role admin.`,
  options: { ...TRIAL_OPTIONS, json: { help: 'print the answer of the server as JSON' }, ...CLIENT_OPTIONS },
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
  async run({ options, operands: [name] }, shell) {
    const file = name === undefined ? undefined : await readConfigFile(name, shell);
    const request = await trialRequest(options, file, shell);
    const api = connect({ options, env: shell.env, defaultTimeoutS: DEFAULT_TIMEOUT_S });
    try {
      const reply = await api.call(WebhookAdminService.testWebhook, request);
      const text = options.json
        ? `${JSON.stringify(loadProtoJson().write('TestWebhookResponse', TestWebhookResponse, reply), undefined, 2)}\n`
        : trialPage(createPage(shell), reply, request.send);
      shell.print(text);
      return reply.failure === undefined ? EXIT.done : EXIT.no;
    } catch (error) {
      throw withPlaces(error, file);
    } finally {
      api.close();
    }
  },
});

/** Adds to the violations of a refusal where their fields stand in the file. */
function withPlaces(error: unknown, file: ConfigFile | undefined): unknown {
  if (!(error instanceof ApiError) || file === undefined || error.refusal.violations.length === 0)
    return error;
  const lines = violationLines(error.refusal, file.placeOf);
  return new CommandError(['the server refused the request', ...lines].join('\n'), error.exitCode);
}
