import type { Violation } from '../../errors.ts';
import { isBodyless } from '../template/body-template.ts';
import { configValueProblems } from './validate-json.ts';
import { placeholderViolations, type KnownNames } from './validate-placeholders.ts';
import { classifyContentType, type ContentKind } from '../template/content-type.ts';
import { itemPath, memberPath } from './field-path.ts';
import { jsonBytes, type JsonObject, type JsonValue } from '../json.ts';
import { MAX_BODY_TEMPLATE_BYTES } from '../limits.ts';
import { isWellFormed } from '../template/escape.ts';
import { parseTemplate } from '../template/template.ts';
import { MASK } from '../redaction/redact.ts';

/** The checks of a body: of its own content (`content`), and of how it fits its method and content type (`fit`). */
interface BodyChecks {
  readonly content: boolean;
  readonly fit: boolean;
}

/** Returns the violations of a request body for this method (in upper case) and content type (as it is written). */
export function bodyViolations(
  request: {
    readonly body: JsonValue | undefined;
    readonly method: string;
    readonly contentType: string | undefined;
  },
  field: string,
  known: KnownNames,
  checks: BodyChecks,
): Violation[] {
  const { body, method, contentType } = request;
  if (body === undefined || isBodyless(method, body)) return [];
  const content = checks.content ? contentViolations(body, field, known) : [];
  if (!checks.fit) return content;
  if (method === 'GET') return [...content, { field, description: 'GET takes no body: leave it out' }];
  return [...content, ...typeViolations(body, contentType, field)];
}

/** Returns the violations of the body alone: whether it is JSON, its size, its templates. */
function contentViolations(body: JsonValue, field: string, known: KnownNames): Violation[] {
  const problems = configValueProblems(body, field);
  if (problems.length > 0) return problems;
  if (sizeOf(body) > MAX_BODY_TEMPLATE_BYTES) {
    return [{ field, description: `must not be larger than ${MAX_BODY_TEMPLATE_BYTES} bytes` }];
  }
  if (!isWellFormed(body)) return [{ field, description: 'must not hold lone surrogates' }];
  return templateViolations(body, field, known);
}

function sizeOf(body: JsonValue): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : jsonBytes(body);
}

function templateViolations(value: JsonValue, field: string, known: KnownNames): Violation[] {
  if (typeof value === 'string') return leafViolations(value, field, known);
  if (!isNested(value)) return [];
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => templateViolations(item, itemPath(field, i), known));
  }
  const members = Object.entries(value);
  const braces = members.some(([key]) => key.includes('{{'))
    ? [{ field, description: 'keys are no templates: "{{" is not allowed in them' }]
    : [];
  return [
    ...braces,
    ...members.flatMap(([key, member]) => templateViolations(member, memberPath(field, key), known)),
  ];
}

function leafViolations(text: string, field: string, known: KnownNames): Violation[] {
  if (text === MASK) return [{ field, description: 'is a masked value: write the value or a placeholder' }];
  const parsed = parseTemplate(text, { escapes: true });
  if (!parsed.ok) return [{ field, description: parsed.error }];
  return placeholderViolations(parsed.template, known, field);
}

function isNested(value: JsonValue): value is JsonValue[] | JsonObject {
  return value !== null && typeof value === 'object';
}

/**
 * Returns the violations of a body by its content type. A content type that is itself wrong is a violation of the
 * headers.
 */
function typeViolations(body: JsonValue, contentType: string | undefined, field: string): Violation[] {
  const kind = kindOf(contentType);
  if (kind === undefined) return [];
  const description = kindProblem(body, kind);
  if (description !== undefined) return [{ field, description }];
  return kind === 'form' && isNested(body) && !Array.isArray(body) ? formViolations(body, field) : [];
}

function kindOf(contentType: string | undefined): ContentKind | undefined {
  if (contentType === undefined) return undefined;
  const classified = classifyContentType(contentType);
  return classified.ok ? classified.kind : undefined;
}

function kindProblem(body: JsonValue, kind: ContentKind): string | undefined {
  if (typeof body === 'string') {
    return kind === 'json' ? "a text body can't have a JSON content type: write the body as JSON" : undefined;
  }
  if (kind === 'json') return undefined;
  if (!isNested(body)) return 'a number or bool body needs a JSON content type';
  if (kind !== 'form') return 'an object or list body needs a JSON or form content type';
  return Array.isArray(body) ? "a list can't be sent as a form: use an object" : undefined;
}

function formViolations(body: JsonObject, field: string): Violation[] {
  return Object.entries(body)
    .filter(([, value]) => isNested(value))
    .map(([key]) => ({
      field: memberPath(field, key),
      description:
        'a form field must be a text, number, bool or null: nested objects and lists are JSON only',
    }));
}
