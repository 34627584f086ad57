import { itemPath, entryPath, memberPath } from './validation/field-path.ts';
import { parseTemplate, placeholdersOf, type Placeholder } from './template/template.ts';
import type { JsonValue } from './json.ts';
import type { WebhookConfig, WebhookType } from './agent.ts';

/** A place that uses a name, as the refusal to remove that name shows it. */
export interface NameUsage {
  readonly subject: string;
  readonly description: string;
}

/**
 * Returns the names of the secrets that a webhook uses, in placeholders and for signatures, whether or not the agent
 * has them.
 */
export function usedSecretNames(config: WebhookConfig): ReadonlySet<string> {
  const placeholders = sitesOf(config).flatMap(([, found]) => found);
  const inPlaceholders = placeholders.filter(isSecret).map(({ segments }) => segments[1] as string);
  return new Set([...inPlaceholders, ...config.signingSecretNames]);
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

/** A webhook of an agent. Its header values are the true ones where they are known: a mask may hide a placeholder. */
interface UsingWebhook {
  readonly webhookType: WebhookType;
  readonly config: WebhookConfig;
}

/** Returns every place in an agent's webhooks that uses this dynamic variable: placeholders and assignments. */
export function variableUsers(webhooks: readonly UsingWebhook[], name: string): NameUsage[] {
  return usersOf(
    webhooks,
    ({ segments }) => segments[0] === name,
    ({ assignments }) =>
      itemsWhere(assignments, 'assignments', ({ dynamicVariable }) => dynamicVariable === name),
  );
}

function usersOf(
  webhooks: readonly UsingWebhook[],
  isUsed: (placeholder: Placeholder) => boolean,
  otherFields: (config: WebhookConfig) => readonly string[],
): NameUsage[] {
  return webhooks.flatMap(({ webhookType, config }) => {
    const sites = sitesOf(config).filter(([, placeholders]) => placeholders.some(isUsed));
    const fields = [...sites.map(([field]) => field), ...otherFields(config)];
    return fields.map((field) => ({
      subject: `${webhookType} webhook`,
      description: `webhook_config.${field} uses it`,
    }));
  });
}

function itemsWhere<T>(items: readonly T[], field: string, matches: (item: T) => boolean): string[] {
  return items.flatMap((item, i) => (matches(item) ? [itemPath(field, i)] : []));
}

/** Returns every place in an agent's webhooks that uses this secret: placeholders and signatures. */
export function secretUsers(webhooks: readonly UsingWebhook[], name: string): NameUsage[] {
  return usersOf(
    webhooks,
    ({ segments }) => segments[0] === 'secret' && segments[1] === name,
    ({ signingSecretNames }) =>
      itemsWhere(signingSecretNames, 'signing_secret_names', (used) => used === name),
  );
}
