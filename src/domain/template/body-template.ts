import {
  classifyContentType,
  DEFAULT_JSON_TYPE,
  DEFAULT_TEXT_TYPE,
  type ContentKind,
} from './content-type.ts';
import { joinLiterals, prepare, type Prepared, type Slot } from './prepared.ts';
import {
  asJson,
  insideJsonString,
  isWellFormed,
  percentEncoded,
  textOf,
  xmlEscaped,
  type Spell,
} from './escape.ts';
import { parseTemplate, wholePlaceholder, type Template } from './template.ts';
import { MASK } from '../redaction/redact.ts';
import type { JsonObject, JsonValue } from '../json.ts';

/** A body that is ready to be walked, with the content type it is sent as. */
export interface PreparedBody {
  readonly parts: Prepared;
  readonly contentType: string;
}

const STRING_SPELLING: Readonly<Record<ContentKind, Spell>> = {
  json: insideJsonString,
  form: percentEncoded,
  xml: xmlEscaped,
  text: textOf,
};

function templateOf(text: string): Template {
  const parsed = parseTemplate(text, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved template does not parse: ${parsed.error}`);
  return parsed.template;
}

function jsonLeaf(text: string): Prepared {
  const template = templateOf(text);
  const placeholder = wholePlaceholder(template);
  if (placeholder !== undefined) return [{ placeholder, spell: asJson, masked: JSON.stringify(MASK) }];
  return ['"', ...prepare(template, insideJsonString, insideJsonString), '"'];
}

function jsonParts(value: JsonValue): Prepared {
  if (typeof value === 'string') return jsonLeaf(value);
  if (value === null || typeof value !== 'object') return [JSON.stringify(value)];
  const separator = (i: number): string => (i === 0 ? '' : ',');
  if (Array.isArray(value)) {
    return ['[', ...value.flatMap((item, i) => [separator(i), ...jsonParts(item)]), ']'];
  }
  const members = Object.entries(value).flatMap(([key, item], i) => [
    `${separator(i)}${JSON.stringify(key)}:`,
    ...jsonParts(item),
  ]);
  return ['{', ...members, '}'];
}

function formField(value: JsonValue): Prepared {
  return typeof value === 'string'
    ? prepare(templateOf(value), percentEncoded, percentEncoded)
    : [percentEncoded(value)];
}

function formParts(fields: JsonObject): Prepared {
  return Object.entries(fields).flatMap(([key, value], i): (string | Slot)[] => [
    `${i === 0 ? '' : '&'}${encodeURIComponent(key)}=`,
    ...formField(value),
  ]);
}

function isEmptyObject(body: JsonValue): boolean {
  return body !== null && typeof body === 'object' && !Array.isArray(body) && Object.keys(body).length === 0;
}

/** Whether a request is sent without a body: absent, null, or `{}` with GET. */
export function isBodyless(method: string, body: JsonValue | undefined): boolean {
  return body === undefined || body === null || (method === 'GET' && isEmptyObject(body));
}

function kindOf(contentType: string): ContentKind {
  const classified = classifyContentType(contentType);
  if (!classified.ok) throw new Error(`a saved content type is refused: ${classified.error}`);
  return classified.kind;
}

/**
 * Prepares a body for the content type that its webhook names, or for the default of its kind: text for strings, else
 * JSON. Throws where the save checks would have refused it.
 */
export function prepareBody(body: JsonValue, given: string | undefined): PreparedBody {
  if (!isWellFormed(body)) throw new Error('a saved body has a lone surrogate');
  const contentType = given ?? (typeof body === 'string' ? DEFAULT_TEXT_TYPE : DEFAULT_JSON_TYPE);
  const kind = kindOf(contentType);
  if (typeof body === 'string') {
    return { parts: prepare(templateOf(body), STRING_SPELLING[kind]), contentType };
  }
  const isForm = kind === 'form' && body !== null && typeof body === 'object' && !Array.isArray(body);
  return { parts: joinLiterals(isForm ? formParts(body) : jsonParts(body)), contentType };
}
