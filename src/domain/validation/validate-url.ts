import { violationsOf, type Violation } from '../../errors.ts';
import { placeholderViolations, type KnownNames } from './validate-placeholders.ts';
import { MAX_URL_TEMPLATE_BYTES } from '../limits.ts';
import { parseTemplate } from '../template/template.ts';
import { MASK } from '../redaction/redact.ts';
import { parseUrlTemplate, type CompiledUrl } from '../template/url-template.ts';

/**
 * Returns the violations of a URL template: of its form, of its placeholders, and of the egress policy by its origin.
 * `checkUrl` is called only for a URL whose form is right.
 */
export function urlViolations(
  text: string,
  field: string,
  known: KnownNames,
  checkUrl: ((url: string) => string | undefined) | undefined,
): Violation[] {
  const unreadable = textProblem(text);
  if (unreadable !== undefined) return violationsOf(field, unreadable);
  const template = parseTemplate(text, { escapes: false });
  if (!template.ok) return violationsOf(field, template.error);
  const names = placeholderViolations(template.template, known, field);
  const parsed = parseUrlTemplate(text);
  if (!parsed.ok) return [...violationsOf(field, parsed.error), ...names];
  return [...violationsOf(field, portProblem(parsed.url) ?? checkUrl?.(`${parsed.url.origin}/`)), ...names];
}

// The URL parser would strip tabs and line breaks silently; a name or port would then read otherwise than it is.
// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const CONTROL = /[\u0000-\u001f\u007f]/;

function textProblem(text: string): string | undefined {
  if (text === '') return 'is required';
  if (Buffer.byteLength(text) > MAX_URL_TEMPLATE_BYTES) {
    return `must not be larger than ${MAX_URL_TEMPLATE_BYTES} bytes`;
  }
  if (text.includes(MASK)) return 'holds a masked value: write the URL as it is';
  const parsed = parseTemplate(text, { escapes: false });
  if (!parsed.ok) return undefined;
  const literals = parsed.template.filter((part) => typeof part === 'string');
  if (literals.some((literal) => CONTROL.test(literal))) return 'must not hold control characters';
  return literals.some((literal) => BRACE.test(literal)) ? braceProblem(literals) : undefined;
}

const BRACE = /[{}]/;

// Other tools write {name}. Sent as it is, it would reach the endpoint as %7Bname%7D.
function braceProblem(literals: readonly string[]): string {
  const name = literals.map((literal) => /\{[ \t]*([\w.-]{1,64})[ \t]*\}/.exec(literal)?.[1]).find(Boolean);
  return (
    `must not hold single braces: a placeholder is written {{${name ?? 'name'}}}, in the path or the query, ` +
    'and a literal brace "%7B" or "%7D"'
  );
}

function portProblem({ origin }: CompiledUrl): string | undefined {
  return new URL(origin).port === '0' ? 'must not have port 0' : undefined;
}
