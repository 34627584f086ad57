import { violationsOf, type Violation } from '../../errors.ts';
import { basicHeaderProblem } from '../auth/credential-text.ts';
import { placeholderViolations, type KnownNames } from './validate-placeholders.ts';
import { classifyContentType } from '../template/content-type.ts';
import { entryPath } from './field-path.ts';
import { MAX_HEADER_NAME_BYTES, MAX_HEADER_TEMPLATE_BYTES, MAX_HEADERS } from '../limits.ts';
import { isHeaderText } from '../template/escape.ts';
import { parseTemplate, placeholdersOf, type Template } from '../template/template.ts';
import { MASK } from '../redaction/redact.ts';
import { isSensitiveName } from '../redaction/sensitive-names.ts';

/** Request headers as they are written: names to value templates. */
type Headers = Readonly<Record<string, string>>;

/** Returns the content type that the headers name, as it is written. */
export function contentTypeOf(headers: Headers): string | undefined {
  return Object.entries(headers).find(([name]) => isContentType(name))?.[1];
}

function isContentType(name: string): boolean {
  return name.toLowerCase() === 'content-type';
}

/** Returns the violations of headers, except those of values that read as a mask. */
export function headerViolations(headers: Headers, field: string, known: KnownNames): Violation[] {
  const entries = Object.entries(headers);
  const violations: Violation[] = [];
  if (entries.length > MAX_HEADERS) {
    violations.push({ field, description: `must not have more than ${MAX_HEADERS} headers` });
  }
  const limited = entries.slice(0, MAX_HEADERS);
  if (twins(limited.map(([name]) => name)).length > 0) {
    violations.push({ field, description: 'two header names must differ by more than upper and lower case' });
  }
  for (const [name, value] of limited) {
    const at = entryPath(field, name);
    const problem = headerNameProblem(name);
    if (problem !== undefined) violations.push({ field: at, description: problem });
    if (value !== MASK) violations.push(...valueViolations(name, value, known, at));
  }
  return violations;
}

function twins(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.filter((name) => seen.size === seen.add(name.toLowerCase()).size);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

// These names belong to the connection, to callhooks, or to its signature.
const NOT_SETTABLE =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|host|content-length|accept-encoding|traceparent|tracestate|baggage|callhooks-.*|webhook-(?:id|timestamp|signature))$/i;

/** Returns the rule that the name of a header breaks, or undefined for one that a webhook may set. */
export function headerNameProblem(name: string): string | undefined {
  if (name.includes('{{')) return 'header names are no templates: "{{" is not allowed';
  if (Buffer.byteLength(name) > MAX_HEADER_NAME_BYTES) {
    return `a header name must not be larger than ${MAX_HEADER_NAME_BYTES} bytes`;
  }
  if (!TOKEN.test(name)) return "is no header name (RFC 9110: letters, digits and !#$%&'*+-.^_`|~)";
  return NOT_SETTABLE.test(name)
    ? 'this header is set by callhooks and the connection, not by a webhook'
    : undefined;
}

function valueViolations(name: string, value: string, known: KnownNames, field: string): Violation[] {
  if (Buffer.byteLength(value) > MAX_HEADER_TEMPLATE_BYTES) {
    return violationsOf(field, `a header's value must not be larger than ${MAX_HEADER_TEMPLATE_BYTES} bytes`);
  }
  const parsed = parseTemplate(value, { escapes: true });
  if (!parsed.ok) return violationsOf(field, parsed.error);
  if (!parsed.template.every((part) => typeof part !== 'string' || isHeaderText(part))) {
    return violationsOf(field, 'must not hold control characters or characters outside of Latin-1');
  }
  const problem = formProblem(name, value, parsed.template);
  if (problem !== undefined) return violationsOf(field, problem);
  return placeholdersOf(parsed.template).length === 0
    ? []
    : placeholderViolations(parsed.template, known, field);
}

// Some headers have a form of their own.
function formProblem(name: string, value: string, template: Template): string | undefined {
  if (isContentType(name)) return contentTypeProblem(value);
  return name.toLowerCase() === 'authorization' ? basicHeaderProblem(template) : undefined;
}

function contentTypeProblem(value: string): string | undefined {
  if (value.includes('{{')) return 'content-type takes no placeholders';
  const classified = classifyContentType(value);
  return classified.ok ? undefined : classified.error;
}

/** The stored values that a mask may stand for. */
interface MaskedValues {
  /** Names, in lower case, of headers whose values are stored sealed. */
  readonly storedHeaders: ReadonlySet<string>;
  /** The origin to which the stored values are sent. */
  readonly storedOrigin: string | undefined;
}

/**
 * Returns the violations of header values that read as a mask. A mask stands for the stored value of its header as long
 * as the URL has the same origin. So a client that may write but not read can't have a secret sent elsewhere.
 */
export function maskViolations(
  headers: Headers,
  field: string,
  origin: string | undefined,
  { storedHeaders, storedOrigin }: MaskedValues,
): Violation[] {
  const problemOf = (name: string): string | undefined => {
    // Spelled in another way, the name may not be sensitive any more: then its value would be shown.
    if (!storedHeaders.has(name.toLowerCase()) || !isSensitiveName(name))
      return 'is masked, but no value of this header is stored: write its value';
    if (origin === storedOrigin && origin !== undefined) return undefined;
    return 'is masked, but its stored value is kept for the stored origin only: write its value';
  };
  return Object.entries(headers)
    .slice(0, MAX_HEADERS)
    .flatMap(([name, value]): Violation[] => {
      const description = value === MASK ? problemOf(name) : undefined;
      return description === undefined ? [] : [{ field: entryPath(field, name), description }];
    });
}
