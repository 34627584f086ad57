import { parseTemplate } from '../template/template.ts';
import type { WebhookConfig } from '../agent.ts';

const SENSITIVE_PART =
  /(?:^|[-_])(?:token|secret|password|passwd|key|apikey|auth|authorization|cookie|session|signature)(?:[-_]|$)/i;
const EXEMPT = /^(?:idempotency-key$|webhook-)/i;

/**
 * Reports whether the value of a header of this name is masked: a part of the name between `-` or `_` is token, secret,
 * password, key, … in any case. `idempotency-key` and `webhook-*` are not sensitive.
 */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_PART.test(name) && !EXEMPT.test(name);
}

/**
 * Reports the same as {@link isSensitiveName} for a query parameter, given its name as the URL has it. It finds the
 * parts of `accessToken` and `auth%5Bkey%5D` too.
 */
export function isSensitiveParameter(name: string): boolean {
  const plain = percentDecoded(name);
  return isSensitiveName(plain) || isSensitiveName(words(plain));
}

function words(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').replace(/[^A-Za-z0-9]+/g, '-');
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
