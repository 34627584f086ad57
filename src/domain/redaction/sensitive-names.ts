import { parseTemplate } from '../template/template.ts';
import type { WebhookConfig } from '../agent.ts';

const SENSITIVE_PART =
  /(?:^|[-_])(?:token|secret|password|passwd|key|apikey|auth|authorization|cookie|session|signature)(?:[-_]|$)/i;
const EXEMPT = /^(?:idempotency-key$|webhook-)/i;

/**
 * Reports whether the value of a header of this name is masked: a part of the name is token, secret, password, key, … in
 * any case. Parts lie between `-`, `_`, and changes from a lower-case to an upper-case letter. `idempotency-key` and
 * `webhook-*` are not sensitive.
 */
export function isSensitiveName(name: string): boolean {
  if (EXEMPT.test(name)) return false;
  return SENSITIVE_PART.test(name) || SENSITIVE_PART.test(splitCamelCase(name));
}

function splitCamelCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2');
}

// Names of OAuth 2 (RFC 6749, 4.1.2), of Azure and of HubSpot. A part of a longer name is not meant: `country_code`.
const SENSITIVE_PARAMETER = /^(?:code|sig|hapikey)$/i;

/**
 * Reports the same as {@link isSensitiveName} for a query parameter, given its name as the URL has it. It finds the
 * parts of `auth%5Bkey%5D` too, and the names `code`, `sig` and `hapikey`.
 */
export function isSensitiveParameter(name: string): boolean {
  const plain = percentDecoded(name);
  return (
    SENSITIVE_PARAMETER.test(plain) ||
    isSensitiveName(plain) ||
    isSensitiveName(plain.replace(/[^A-Za-z0-9]+/g, '-'))
  );
}

/** Returns a text percent-decoded, or the text itself where its escapes are no UTF-8. */
export function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the names, as written, of the headers whose values are sealed at rest and read as a mask. */
export function sensitiveLiteralHeaders(config: WebhookConfig): readonly string[] {
  return Object.entries(config.apiSchema.requestHeaders)
    .filter(([name, value]) => isSensitiveName(name) && !isPlaceholderValue(value))
    .map(([name]) => name);
}

// Letters and "-" only: a literal key in front of a placeholder must not pass as a scheme.
const SCHEME_WORD = /^[A-Za-z][A-Za-z-]{0,31}[ \t]+$/;

/** Reports whether a header's value is placeholders with at most a scheme word before them. Then it may be shown. */
function isPlaceholderValue(value: string): boolean {
  const parsed = parseTemplate(value.trim(), { escapes: true });
  if (!parsed.ok) return false;
  const [first, ...rest] = parsed.template;
  if (typeof first === 'string' && !SCHEME_WORD.test(first)) return false;
  if (first === undefined || (typeof first === 'string' && rest.length === 0)) return false;
  return rest.every((part) => typeof part !== 'string' || part.trim() === '');
}
