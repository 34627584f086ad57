import type { Violation } from '../errors.ts';
import { itemPath } from './validation/field-path.ts';
import type { WebhookConfig } from './agent.ts';
import { NO_SCHEMA, toDraft, type ApiSchemaDraft, type WebhookConfigDraft } from './webhook-draft.ts';

const API_SCHEMA_FIELDS = [
  'webhook_config.api_schema.url',
  'webhook_config.api_schema.method',
  'webhook_config.api_schema.request_headers',
  'webhook_config.api_schema.request_body',
  'webhook_config.api_schema.auth',
  'webhook_config.api_schema.max_redirects',
] as const;

const CONFIG_FIELDS = [
  ...API_SCHEMA_FIELDS,
  'webhook_config.assignments',
  'webhook_config.response_timeout_secs',
  'webhook_config.failure_policy',
  'webhook_config.signing_secret_names',
  'webhook_config.hmac_signature',
  'webhook_config.rejection',
] as const;

const WEBHOOK_FIELDS = ['disabled', ...CONFIG_FIELDS] as const;
const AGENT_FIELDS = ['display_name', 'dynamic_variables', 'webhooks'] as const;

/** A field of a webhook's configuration that is changed as a whole. */
export type ConfigField = (typeof CONFIG_FIELDS)[number];

type MaskField = (typeof WEBHOOK_FIELDS)[number] | (typeof AGENT_FIELDS)[number];

/** The fields that an `update_mask` names, taken apart into fields that are replaced as a whole. */
export type UpdateMask = ReadonlySet<MaskField>;

const FIELD = 'update_mask';
// This is more paths than there are, so that some may be repeated.
const MAX_PATHS = 64;

// The closed list of paths, each with the fields that it stands for.
const PATHS: Readonly<Record<'webhook' | 'agent', ReadonlyMap<string, readonly MaskField[]>>> = {
  webhook: new Map([
    ['*', WEBHOOK_FIELDS],
    ['webhook_config', CONFIG_FIELDS],
    ['webhook_config.api_schema', API_SCHEMA_FIELDS],
    ...alone(WEBHOOK_FIELDS),
  ]),
  agent: new Map([['*', AGENT_FIELDS], ...alone(AGENT_FIELDS)]),
};

function alone(fields: readonly MaskField[]): [string, readonly MaskField[]][] {
  return fields.map((field) => [field, [field]]);
}

/**
 * Reads the paths of an `update_mask`. `*` is every mutable field. A path outside of the closed list is a violation,
 * and so is a mask without paths.
 */
export function parseUpdateMask(
  paths: readonly string[],
  kind: 'webhook' | 'agent',
): { readonly mask: UpdateMask; readonly violations: readonly Violation[] } {
  const mask = new Set<MaskField>();
  if (paths.length === 0) return { mask, violations: [{ field: FIELD, description: 'is required' }] };
  if (paths.length > MAX_PATHS) {
    return {
      mask,
      violations: [{ field: FIELD, description: `must not have more than ${MAX_PATHS} paths` }],
    };
  }
  const violations: Violation[] = [];
  for (const [i, path] of paths.entries()) {
    const fields = PATHS[kind].get(path);
    if (fields === undefined) {
      violations.push({ field: itemPath(`${FIELD}.paths`, i), description: problemOf(path, PATHS[kind]) });
    }
    for (const field of fields ?? []) mask.add(field);
  }
  return { mask, violations };
}

const IMMUTABLE = new Set([
  'agent_uuid',
  'webhook_uuid',
  'webhook_type',
  'secret_names',
  'etag',
  'created_at',
  'updated_at',
]);

function problemOf(path: string, known: ReadonlyMap<string, readonly MaskField[]>): string {
  if (IMMUTABLE.has(path)) return `${path} can't be changed`;
  const whole = [...known].find(([name, fields]) => fields[0] === name && path.startsWith(`${name}.`));
  if (whole !== undefined) return `${whole[0]} is replaced whole: name it alone`;
  return `must be one of ${[...known.keys()].join(', ')}`;
}

/** The mutable part of a webhook, as it is now or as a request wants it. */
interface WebhookChange<Config> {
  readonly config: Config;
  readonly disabled: boolean;
}

/**
 * Returns the webhook with the fields of the mask as the request wants them. It still has to be validated as a whole.
 * Header values that read as a mask stay so: the validation knows whether they may stand for the stored ones.
 */
export function applyWebhookMask(
  current: WebhookChange<WebhookConfig>,
  wanted: WebhookChange<WebhookConfigDraft>,
  mask: UpdateMask,
): WebhookChange<WebhookConfigDraft> {
  const stored = toDraft(current.config);
  const from = (field: ConfigField): WebhookConfigDraft => (mask.has(field) ? wanted.config : stored);
  return {
    disabled: mask.has('disabled') ? wanted.disabled : current.disabled,
    config: {
      apiSchema: applySchema(current.config.apiSchema, wanted.config.apiSchema, mask),
      assignments: from('webhook_config.assignments').assignments,
      responseTimeoutSecs: from('webhook_config.response_timeout_secs').responseTimeoutSecs,
      failurePolicy: from('webhook_config.failure_policy').failurePolicy,
      signingSecretNames: from('webhook_config.signing_secret_names').signingSecretNames,
      hmacSignature: from('webhook_config.hmac_signature').hmacSignature,
      rejection: from('webhook_config.rejection').rejection,
    },
  };
}

function applySchema(
  current: ApiSchemaDraft,
  wanted: ApiSchemaDraft | undefined,
  mask: UpdateMask,
): ApiSchemaDraft | undefined {
  if (wanted === undefined && API_SCHEMA_FIELDS.every((field) => mask.has(field))) return undefined;
  const from = (field: ConfigField): ApiSchemaDraft => (mask.has(field) ? (wanted ?? NO_SCHEMA) : current);
  return {
    url: from('webhook_config.api_schema.url').url,
    method: from('webhook_config.api_schema.method').method,
    requestHeaders: from('webhook_config.api_schema.request_headers').requestHeaders,
    requestBody: from('webhook_config.api_schema.request_body').requestBody,
    auth: from('webhook_config.api_schema.auth').auth,
    maxRedirects: from('webhook_config.api_schema.max_redirects').maxRedirects,
  };
}
