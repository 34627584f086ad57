import {
  classifyContentType,
  DEFAULT_JSON_TYPE,
  DEFAULT_TEXT_TYPE,
  type ContentKind,
} from './content-type.ts';
import {
  compileTemplate,
  joinLiterals,
  type CompiledPlaceholder,
  type CompiledTemplate,
} from './compile-template.ts';
import {
  asJson,
  asText,
  escapeXml,
  insideJsonString,
  isWellFormed,
  percentEncode,
  type Escape,
} from './escape.ts';
import { parseTemplate, wholePlaceholder, type Template } from './template.ts';
import { MASK } from '../redaction/redact.ts';
import type { JsonObject, JsonValue } from '../json.ts';

/** A body that is ready to be rendered, with the content type that it is sent as. */
export interface CompiledBody {
  readonly template: CompiledTemplate;
  readonly contentType: string;
}

/** Reports whether a request is sent without a body: it has none, or null, or `{}` with GET. */
export function isBodyless(method: string, body: JsonValue | undefined): boolean {
  return body === undefined || body === null || (method === 'GET' && isEmptyObject(body));
}

function isEmptyObject(body: JsonValue): boolean {
  return body !== null && typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0;
}

const STRING_ESCAPES: Readonly<Record<ContentKind, Escape>> = {
  json: insideJsonString,
  form: percentEncode,
  xml: escapeXml,
  text: asText,
};

/**
 * Compiles a body for the content type that its webhook names, or for the default of its kind: text for strings, else
 * JSON. Throws for a body that the validation would have refused.
 */
export function compileBody(body: JsonValue, given: string | undefined): CompiledBody {
  if (!isWellFormed(body)) throw new Error('a saved body has a lone surrogate');
  const contentType = given ?? (typeof body === 'string' ? DEFAULT_TEXT_TYPE : DEFAULT_JSON_TYPE);
  const kind = kindOf(contentType);
  if (typeof body === 'string') {
    return { template: compileTemplate(templateOf(body), STRING_ESCAPES[kind]), contentType };
  }
  const isForm = kind === 'form' && body !== null && typeof body === 'object' && !Array.isArray(body);
  return { template: joinLiterals(isForm ? compileForm(body) : compileJson(body)), contentType };
}

function kindOf(contentType: string): ContentKind {
  const classified = classifyContentType(contentType);
  if (!classified.ok) throw new Error(`a saved content type is refused: ${classified.error}`);
  return classified.kind;
}

function templateOf(text: string): Template {
  const parsed = parseTemplate(text, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved template does not parse: ${parsed.error}`);
  return parsed.template;
}

function compileForm(fields: JsonObject): CompiledTemplate {
  return Object.entries(fields).flatMap(([key, value], i): (string | CompiledPlaceholder)[] => [
    `${i === 0 ? '' : '&'}${encodeURIComponent(key)}=`,
    ...formField(value),
  ]);
}

function formField(value: JsonValue): CompiledTemplate {
  return typeof value === 'string'
    ? compileTemplate(templateOf(value), percentEncode, percentEncode)
    : [percentEncode(value)];
}

function compileJson(value: JsonValue): CompiledTemplate {
  if (typeof value === 'string') return jsonLeaf(value);
  if (value === null || typeof value !== 'object') return [JSON.stringify(value)];
  const separator = (i: number): string => (i === 0 ? '' : ',');
  if (Array.isArray(value)) {
    return ['[', ...value.flatMap((item, i) => [separator(i), ...compileJson(item)]), ']'];
  }
  const members = Object.entries(value).flatMap(([key, item], i) => [
    `${separator(i)}${JSON.stringify(key)}:`,
    ...compileJson(item),
  ]);
  return ['{', ...members, '}'];
}

function jsonLeaf(text: string): CompiledTemplate {
  const template = templateOf(text);
  const placeholder = wholePlaceholder(template);
  if (placeholder !== undefined) return [{ placeholder, escape: asJson, masked: JSON.stringify(MASK) }];
  return ['"', ...compileTemplate(template, insideJsonString, insideJsonString), '"'];
}
