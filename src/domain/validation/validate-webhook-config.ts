import { violationsOf, type Violation } from '../../errors.ts';
import { authMaskViolations, authViolations, besideAuthViolations } from '../auth/validate-auth.ts';
import { besideHmacViolations, hmacViolations } from '../auth/validate-hmac.ts';
import {
  clientCertificateViolations,
  type CheckClientCertificate,
} from '../auth/validate-client-certificate.ts';
import { rejectionViolations } from '../rejection/validate-rejection.ts';
import { assignmentViolations } from './validate-assignments.ts';
import { bodyViolations } from './validate-body.ts';
import { createNearestNames } from './nearest-names.ts';
import { contentTypeOf, headerViolations, maskViolations } from './validate-headers.ts';
import type { KnownNames } from './validate-placeholders.ts';
import { signingViolations } from './validate-secrets.ts';
import { urlViolations } from './validate-url.ts';
import { originOfTemplate } from '../template/url-template.ts';
import { MAX_REDIRECTS, MAX_TIMEOUT_SECS, MIN_TIMEOUT_SECS } from '../limits.ts';
import type { ApiSchema, WebhookConfig, WebhookType } from '../agent.ts';
import type { ConfigField } from '../update-mask.ts';
import {
  fillDefaults,
  NO_CONFIG,
  configAsStored,
  type AssignmentDraft,
  type WebhookConfigDraft,
} from '../webhook-draft.ts';

/** Facts that the validation of a webhook's configuration needs. */
export interface WebhookConfigContext extends KnownNames {
  /** The configuration's path in the request message: `webhook_config`, `webhook.webhook_config`, … */
  readonly path: string;
  /** Returns the value of a secret, for the rules of signing secrets, or undefined when the value is not known now. */
  readonly secretValue?: ((name: string) => string | undefined) | undefined;
  /**
   * Returns the rule of the egress policy that a URL breaks, or undefined. It is called only where the URL is
   * validated.
   */
  readonly checkUrl?: ((url: string) => string | undefined) | undefined;
  /** Checks a client certificate with its key. It is called only where both values are known. */
  readonly checkClientCertificate?: CheckClientCertificate | undefined;
  /** Names of the stored values that a mask may keep: of headers in lower case, and of texts of `auth`. */
  readonly storedHeaders?: ReadonlySet<string> | undefined;
  /** The origin of the stored URL. Masks keep their values for this origin only. */
  readonly storedOrigin?: string | undefined;
  /** The origin of the stored token endpoint. The mask of a client's secret keeps its value for this origin only. */
  readonly storedTokenOrigin?: string | undefined;
  /**
   * Reports whether a save changes a field. Only changed fields, and what depends on them, are validated. When it is
   * absent, all are.
   */
  readonly isChanged?: ((field: ConfigField) => boolean) | undefined;
}

/**
 * Validates a webhook's configuration and fills in its defaults. It collects all violations, with paths from the
 * request message; descriptions never hold values. `config` may be used only when there are none. A configuration that
 * was accepted passes again unchanged. `draft` is undefined when the request has none.
 */
export function validateWebhookConfig(
  draft: WebhookConfigDraft | undefined,
  context: WebhookConfigContext,
): { readonly config: WebhookConfig; readonly violations: readonly Violation[] } {
  const config = fillDefaults(draft ?? NO_CONFIG, context.webhookType);
  const violations =
    draft === undefined
      ? violationsOf(context.path, 'is required')
      : configViolations(draft, config.apiSchema, {
          ...context,
          nearestNames: createNearestNames(context.declaredVariables),
        });
  // Only a validated configuration is known to be shallow enough for the recursion.
  return { config: violations.length === 0 ? configAsStored(config) : config, violations };
}

function configViolations(
  draft: WebhookConfigDraft,
  schema: ApiSchema,
  context: WebhookConfigContext,
): Violation[] {
  const { path, webhookType } = context;
  const checks = (field: ConfigField): boolean => context.isChanged?.(field) ?? true;
  const { signingSecretNames } = draft;
  return [
    ...(draft.apiSchema
      ? schemaViolations(schema, context)
      : violationsOf(`${path}.api_schema`, 'is required')),
    ...(checks('webhook_config.assignments') ? rulesViolations(draft.assignments, context) : []),
    ...(checks('webhook_config.response_timeout_secs')
      ? violationsOf(`${path}.response_timeout_secs`, timeoutProblem(draft.responseTimeoutSecs))
      : []),
    ...(checks('webhook_config.failure_policy')
      ? violationsOf(`${path}.failure_policy`, policyProblem(draft.failurePolicy, webhookType))
      : []),
    ...(checks('webhook_config.signing_secret_names')
      ? signingViolations(
          signingSecretNames,
          `${path}.signing_secret_names`,
          context.secretNames,
          context.secretValue,
        )
      : []),
    ...hmacConfigViolations(draft, schema, context),
    ...(checks('webhook_config.rejection')
      ? rejectionViolations(draft.rejection, `${path}.rejection`, webhookType)
      : []),
  ];
}

function hmacConfigViolations(
  { hmacSignature }: WebhookConfigDraft,
  schema: ApiSchema,
  context: WebhookConfigContext,
): Violation[] {
  const checks = (field: ConfigField): boolean => context.isChanged?.(field) ?? true;
  const ofSignature = checks('webhook_config.hmac_signature');
  const setsHeaders =
    checks('webhook_config.api_schema.request_headers') || checks('webhook_config.api_schema.auth');
  return [
    ...(ofSignature
      ? hmacViolations(hmacSignature, `${context.path}.hmac_signature`, context.secretNames)
      : []),
    ...(ofSignature || setsHeaders ? besideHmacViolations(hmacSignature?.header, schema, context.path) : []),
  ];
}

const NO_NAMES: ReadonlySet<string> = new Set();

function schemaViolations(schema: ApiSchema, context: WebhookConfigContext): Violation[] {
  const { url, method, requestHeaders, requestBody, auth, maxRedirects = 0 } = schema;
  const path = `${context.path}.api_schema`;
  const checks = (
    name: 'url' | 'method' | 'request_headers' | 'request_body' | 'auth' | 'max_redirects',
  ): boolean => context.isChanged?.(`webhook_config.api_schema.${name}`) ?? true;
  const { storedHeaders = NO_NAMES, storedOrigin, storedTokenOrigin } = context;
  const stored = { storedHeaders, storedOrigin, storedTokenOrigin };
  const request = { body: requestBody, method, contentType: contentTypeOf(requestHeaders) };
  const masks =
    checks('request_headers') || checks('url')
      ? maskViolations(requestHeaders, `${path}.request_headers`, originOfTemplate(url), stored)
      : [];
  const authMasks =
    checks('auth') || checks('url')
      ? authMaskViolations(auth, `${path}.auth`, originOfTemplate(url), stored)
      : [];
  return [
    ...(checks('url') ? urlViolations(url, `${path}.url`, context, context.checkUrl) : []),
    ...(checks('method') ? violationsOf(`${path}.method`, methodProblem(method)) : []),
    ...(checks('request_headers')
      ? headerViolations(requestHeaders, `${path}.request_headers`, context)
      : []),
    ...masks,
    ...bodyViolations(request, `${path}.request_body`, context, {
      content: checks('request_body'),
      fit: checks('request_body') || checks('request_headers') || checks('method'),
    }),
    ...(checks('auth') ? authViolations(auth, `${path}.auth`, context) : []),
    ...clientCertificateViolations(auth?.clientCertificate, `${path}.auth.client_certificate`, context, {
      content: checks('auth'),
      url: checks('auth') || checks('url') ? url : undefined,
    }),
    ...authMasks,
    ...(checks('max_redirects') ? violationsOf(`${path}.max_redirects`, redirectsProblem(maxRedirects)) : []),
    ...(checks('auth') || checks('request_headers')
      ? besideAuthViolations(requestHeaders, auth, `${path}.request_headers`)
      : []),
  ];
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

function methodProblem(method: string): string | undefined {
  if (method === '') return 'is required';
  return METHODS.includes(method) ? undefined : `must be one of ${METHODS.join(', ')}`;
}

function redirectsProblem(count: number): string | undefined {
  return count <= MAX_REDIRECTS ? undefined : `must not be more than ${MAX_REDIRECTS}`;
}

function rulesViolations(rules: readonly AssignmentDraft[], context: WebhookConfigContext): Violation[] {
  const field = `${context.path}.assignments`;
  if (context.webhookType === 'pre_call')
    return assignmentViolations(rules, field, context.declaredVariables);
  return violationsOf(field, rules.length > 0 ? 'are for pre-call webhooks only' : undefined);
}

function timeoutProblem(secs: number): string | undefined {
  return secs === 0 || (secs >= MIN_TIMEOUT_SECS && secs <= MAX_TIMEOUT_SECS)
    ? undefined
    : `must be ${MIN_TIMEOUT_SECS} to ${MAX_TIMEOUT_SECS} seconds, or 0 for the default`;
}

function policyProblem(policy: WebhookConfigDraft['failurePolicy'], type: WebhookType): string | undefined {
  if (policy === 'unknown') return 'must be FAILURE_POLICY_PROCEED or FAILURE_POLICY_BLOCK';
  return type === 'post_call' && policy !== 'unspecified' ? 'is for pre-call webhooks only' : undefined;
}
