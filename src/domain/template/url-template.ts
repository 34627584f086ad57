import { compileTemplate, joinLiterals, type CompiledTemplate } from './compile-template.ts';
import { percentEncode, percentEncodePath } from './escape.ts';
import { isSensitiveParameter } from '../redaction/sensitive-names.ts';
import { isSecret, parseTemplate, placeholdersOf, type Placeholder, type Template } from './template.ts';

/** A path segment with placeholders. `number` counts from 1. A secret in it may bring slashes, and so further segments. */
export interface PathSegment {
  readonly number: number;
  readonly template: CompiledTemplate;
}

/** One `name=value` of the query. */
export interface QueryParameter {
  readonly template: CompiledTemplate;
  /** The part before the first `=`, for records. */
  readonly name: CompiledTemplate;
  /** Says whether records mask its value. It is undefined where placeholders make the name. */
  readonly sensitive: boolean | undefined;
}

/** A compiled URL template. Its literals are as the WHATWG parser writes them. Only its path and its query can vary. */
export interface CompiledUrl {
  readonly origin: string;
  /** Literal text of whole segments with their slashes, and segments with placeholders. */
  readonly path: readonly (string | PathSegment)[];
  readonly query: readonly QueryParameter[];
}

/**
 * Returns scheme, host and port of a URL template, none of which a placeholder can change, as the WHATWG parser writes
 * them. Returns undefined for a text that has none.
 */
export function originOfTemplate(text: string): string | undefined {
  const read = readUrl(text);
  return read.ok ? read.url.origin : undefined;
}

/** A URL template as the WHATWG parser reads it with stand-ins for its placeholders. */
interface ReadUrl {
  readonly ok: true;
  readonly url: URL;
  readonly placeholders: readonly Placeholder[];
  /** The stand-in of the first placeholder is `${word}0z`. */
  readonly word: string;
}

const MISPLACED = 'placeholders may stand in the path and the query only';

function readUrl(text: string): ReadUrl | { readonly ok: false; readonly error: string } {
  const parsed = parseTemplate(text, { escapes: false });
  if (!parsed.ok) return parsed;
  const word = standInFor(text);
  let count = 0;
  const url = URL.parse(
    parsed.template.map((part) => (typeof part === 'string' ? part : `${word}${count++}z`)).join(''),
  );
  const error = problemOf(text, parsed.template, url);
  if (error !== undefined || url === null) return { ok: false, error: error ?? MISPLACED };
  return { ok: true, url, placeholders: placeholdersOf(parsed.template), word };
}

// Returns a stand-in for placeholders that passes the URL parser unchanged: it is in lower case, has unreserved
// characters only, and does not occur in the template.
function standInFor(text: string): string {
  const lower = text.toLowerCase();
  let word = 'ph';
  while (lower.includes(word)) word += 'x';
  return word;
}

const BEFORE_PATH = /^[^/?#]*(?:\/\/[^/?#]*)?/;

function problemOf(text: string, template: Template, url: URL | null): string | undefined {
  if (text.includes('\\')) {
    return 'must not contain a backslash (a literal "{{" is written "%7B%7B")';
  }
  if ((BEFORE_PATH.exec(text)?.[0] ?? '').includes('{{')) return MISPLACED;
  if (template.some((part) => typeof part === 'string' && part.includes('#'))) {
    return 'must not have a fragment';
  }
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must be an absolute http or https URL';
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user or password: put it into an Authorization header';
  }
  return undefined;
}

/** A compiled URL, or the rule that its template breaks. */
type ParsedUrlTemplate =
  | { readonly ok: true; readonly url: CompiledUrl }
  | { readonly ok: false; readonly error: string };

/**
 * Parses and compiles a URL template. The WHATWG parser sees it with stand-ins for its placeholders, and its answer is
 * taken apart again. So literals are final, and percent-encoded values can change neither the origin nor the structure.
 */
export function parseUrlTemplate(text: string): ParsedUrlTemplate {
  const read = readUrl(text);
  if (!read.ok) return read;
  const { url, placeholders, word } = read;
  const standIn = new RegExp(`${word}(\\d+)z`);
  const restore = (piece: string): Template =>
    piece
      .split(standIn)
      .map((part, i) => (i % 2 === 0 ? part : (placeholders[Number(part)] as Placeholder)))
      .filter((part) => part !== '');
  const segments = url.pathname.slice(1).split('/').map(restore);
  const parameters = url.search === '' ? [] : url.search.slice(1).split('&').map(restore);
  if ([...segments, ...parameters].flatMap(placeholdersOf).length !== placeholders.length) {
    return { ok: false, error: `${MISPLACED}, and not where a ".." segment takes them away` };
  }
  return {
    ok: true,
    url: { origin: url.origin, path: pathOf(segments), query: parameters.map(parameterOf) },
  };
}

function pathOf(segments: readonly Template[]): (string | PathSegment)[] {
  const path: (string | PathSegment)[] = [];
  let literal = '';
  for (const [i, segment] of segments.entries()) {
    literal += '/';
    if (placeholdersOf(segment).length === 0) {
      literal += segment.join('');
      continue;
    }
    path.push(literal, { number: i + 1, template: compileSegment(segment) });
    literal = '';
  }
  if (literal !== '') path.push(literal);
  return path;
}

function compileSegment(segment: Template): CompiledTemplate {
  const compiled = compileTemplate(guardEscapes(segment), percentEncode);
  return compiled.map((part) =>
    typeof part === 'object' && isSecret(part.placeholder) ? { ...part, escape: percentEncodePath } : part,
  );
}

// Writes a "%" that a value could complete to an escape ("%" + "2e") as "%25".
function guardEscapes(template: Template): Template {
  return template.map((part, i) =>
    typeof part === 'string' && i < template.length - 1 ? part.replace(/%(?=[0-9a-f]?$)/i, '%25') : part,
  );
}

function parameterOf(template: Template): QueryParameter {
  const name = nameOf(template);
  const isFixed = placeholdersOf(name).length === 0;
  return {
    template: joinLiterals(compileTemplate(guardEscapes(template), percentEncode)),
    name: compileTemplate(guardEscapes(name), percentEncode),
    sensitive: isFixed ? isSensitiveParameter(name.join('')) : undefined,
  };
}

function nameOf(template: Template): Template {
  const end = template.findIndex((part) => typeof part === 'string' && part.includes('='));
  if (end === -1) return template;
  const last = template[end] as string;
  return [...template.slice(0, end), last.slice(0, last.indexOf('='))];
}
