import { authTexts } from './auth/endpoint-auth.ts';
import { itemPath, entryPath, memberPath } from './validation/field-path.ts';
import { parseTemplate, placeholdersOf, type Placeholder } from './template/template.ts';
import type { JsonValue } from './json.ts';
import type { WebhookConfig } from './agent.ts';

/** A place in a webhook that uses a name. */
export interface NameUsage {
  readonly name: string;
  /** The path inside of `webhook_config`. */
  readonly field: string;
}

/**
 * Returns the names of the secrets that a webhook uses, in placeholders and for signatures, whether or not the agent
 * has them.
 */
export function usedSecretNames(config: WebhookConfig): ReadonlySet<string> {
  const placeholders = sitesOf(config).flatMap(([, found]) => found);
  const inPlaceholders = placeholders.filter(isSecret).map(({ segments }) => segments[1] as string);
  return new Set([
    ...inPlaceholders,
    ...config.signingSecretNames,
    ...namedSecrets(config).map(({ name }) => name),
  ]);
}

// The secrets that fields name besides placeholders and the list of signing secrets.
function namedSecrets({ hmacSignature, apiSchema }: WebhookConfig): readonly NameUsage[] {
  const certificate = apiSchema.auth?.clientCertificate;
  const field = 'api_schema.auth.client_certificate';
  return [
    ...(hmacSignature ? [{ name: hmacSignature.secretName, field: 'hmac_signature.secret_name' }] : []),
    ...(certificate
      ? [
          { name: certificate.certificateSecretName, field: `${field}.certificate_secret_name` },
          { name: certificate.privateKeySecretName, field: `${field}.private_key_secret_name` },
        ]
      : []),
  ];
}

type Site = readonly [field: string, placeholders: readonly Placeholder[]];

function sitesOf({ apiSchema }: WebhookConfig): Site[] {
  return [
    ['api_schema.url', placeholdersIn(apiSchema.url, false)],
    ...Object.entries(apiSchema.requestHeaders).map(([name, value]): Site => [
      entryPath('api_schema.request_headers', name),
      placeholdersIn(value, true),
    ]),
    ...bodySites(apiSchema.requestBody, 'api_schema.request_body'),
    ...authTexts(apiSchema.auth).map(({ field, text }): Site => [
      `api_schema.auth.${field}`,
      placeholdersIn(text, true),
    ]),
  ];
}

function placeholdersIn(text: string, escapes: boolean): readonly Placeholder[] {
  const parsed = parseTemplate(text, { escapes });
  return parsed.ok ? placeholdersOf(parsed.template) : [];
}

function bodySites(value: JsonValue | undefined, field: string): Site[] {
  if (typeof value === 'string') return [[field, placeholdersIn(value, true)]];
  if (value === undefined || value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap((item, i) => bodySites(item, itemPath(field, i)));
  return Object.entries(value).flatMap(([key, item]) => bodySites(item, memberPath(field, key)));
}

function isSecret({ segments }: Placeholder): boolean {
  return segments[0] === 'secret' && segments.length > 1;
}

/** Returns every place in a webhook that uses one of these dynamic variables: placeholders and assignments. */
export function variableUsers(config: WebhookConfig, names: readonly string[]): NameUsage[] {
  const assigned = config.assignments.map(({ dynamicVariable }) => dynamicVariable);
  return usesOf(names, [
    ...placeholderUses(config, ({ segments }) => segments[0]),
    ...listUses('assignments', assigned),
  ]);
}

/** Returns every place in a webhook that uses one of these secrets: placeholders and signatures. */
export function secretUsers(config: WebhookConfig, names: readonly string[]): NameUsage[] {
  const nameOf = (placeholder: Placeholder) => (isSecret(placeholder) ? placeholder.segments[1] : undefined);
  return usesOf(names, [
    ...placeholderUses(config, nameOf),
    ...listUses('signing_secret_names', config.signingSecretNames),
    ...namedSecrets(config),
  ]);
}

function placeholderUses(
  config: WebhookConfig,
  nameOf: (placeholder: Placeholder) => string | undefined,
): NameUsage[] {
  return sitesOf(config).flatMap(([field, placeholders]) =>
    [...new Set(placeholders.map(nameOf))].flatMap((name) => (name === undefined ? [] : [{ name, field }])),
  );
}

function listUses(field: string, used: readonly string[]): NameUsage[] {
  return used.map((name, i) => ({ name, field: itemPath(field, i) }));
}

// Each template is parsed once, however many names are asked for. The uses come in the order of these names.
function usesOf(names: readonly string[], uses: readonly NameUsage[]): NameUsage[] {
  const byName = Map.groupBy(uses, ({ name }) => name);
  return names.flatMap((name) => byName.get(name) ?? []);
}
