import { WebhookConfig } from '../../gen/index.callhooks.v1.ts';
import { loadProtoJson } from '../../proto-json/proto-json.ts';
import { UsageError } from '../frame/command.ts';
import { nameOf, readInput, readJson } from '../frame/read-input.ts';
import type { Shell } from '../frame/shell.ts';
import { linesOfJson } from '../../proto-json/json-lines.ts';

/** Is a webhook configuration that was read from a file. */
export interface ConfigFile {
  readonly config: WebhookConfig;
  /** Returns ` (FILE line 7)` for a field of TestWebhookRequest that stands in the file, else nothing. */
  readonly placeOf: (field: string) => string;
}

const ROOT = 'webhook_config';

/**
 * Reads a `webhook_config` in proto JSON. It may stand in an object under this name.
 * @throws UsageError when the file can't be read, is not JSON, or has a field that the API does not have
 */
export async function readConfigFile(file: string, shell: Pick<Shell, 'stdin'>): Promise<ConfigFile> {
  const text = await readInput(file, shell);
  const json = readJson(text, nameOf(file)) as Record<string, unknown> | null;
  const wrapped = json?.[ROOT] ?? json?.['webhookConfig'];
  const lineOf = linesOfJson(text);
  return {
    config: toConfig(wrapped ?? json, file),
    placeOf: (field) => {
      if (!field.startsWith(ROOT)) return '';
      const line = lineOf(wrapped === undefined ? field.slice(ROOT.length).replace(/^\./, '') : field);
      return line === undefined ? '' : ` (${nameOf(file)} line ${line})`;
    },
  };
}

function toConfig(json: unknown, file: string): WebhookConfig {
  try {
    return loadProtoJson().read('WebhookConfig', WebhookConfig, json);
  } catch (error) {
    const reason = (error as Error).message.replaceAll('callhooks.v1.', '');
    throw new UsageError(`${nameOf(file)} is no webhook_config: ${reason}`, { cause: error });
  }
}
