import { TestWebhookResponse, WebhookAdminService } from '../../gen/index.callhooks.v1.ts';
import { ApiError, violationLines } from '../client/api-error.ts';
import { connect } from '../client/connect.ts';
import { loadProtoJson } from '../../proto-json/proto-json.ts';
import { CommandError } from '../frame/command.ts';
import { EXIT } from '../frame/exit-codes.ts';
import { plainJson } from '../frame/plain-text.ts';
import type { Shell } from '../frame/shell.ts';
import { createPage } from '../pages/page.ts';
import { readConfigFile, type ConfigFile } from './config-file.ts';
import type { TrialOptions } from './trial-options.ts';
import { trialPage } from './trial-page.ts';
import { trialRequest } from './trial-request.ts';

// A sent test may take the longest time limit of a webhook, 60 s.
const DEFAULT_TIMEOUT_S = 70;

/** Runs `callhooks try`. Returns its exit code. */
export async function runTrial(
  options: TrialOptions,
  fileName: string | undefined,
  shell: Shell,
): Promise<number> {
  const file = fileName === undefined ? undefined : await readConfigFile(fileName, shell);
  const request = await trialRequest(options, file, shell);
  const api = connect({ options, env: shell.env, defaultTimeoutS: DEFAULT_TIMEOUT_S });
  try {
    const reply = await api.call(WebhookAdminService.testWebhook, request);
    const text = options.json
      ? `${plainJson(loadProtoJson().write('TestWebhookResponse', TestWebhookResponse, reply), 2)}\n`
      : trialPage(createPage(shell), reply, request.send);
    shell.print(text);
    return reply.failure === undefined ? EXIT.done : EXIT.no;
  } catch (error) {
    throw withPlaces(error, file);
  } finally {
    api.close();
  }
}

/** Adds to the violations of a refusal where their fields stand in the file. */
function withPlaces(error: unknown, file: ConfigFile | undefined): unknown {
  if (!(error instanceof ApiError) || file === undefined || error.refusal.violations.length === 0)
    return error;
  const lines = violationLines(error.refusal, file.placeOf);
  return new CommandError(['the server refused the request', ...lines].join('\n'), error.exitCode);
}
