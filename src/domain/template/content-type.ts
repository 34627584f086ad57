/** How the body of a content type is written: as JSON, as a form, with the escapes of XML and HTML, or verbatim. */
export type ContentKind = 'json' | 'form' | 'xml' | 'text';

/** The content type of an object, array, number or bool body whose webhook names none. */
export const DEFAULT_JSON_TYPE = 'application/json';

/** The content type of a text body whose webhook names none. */
export const DEFAULT_TEXT_TYPE = 'text/plain; charset=utf-8';

/** The kind of a content type, or why no body can be written in it. */
type ClassifiedContentType =
  | { readonly ok: true; readonly kind: ContentKind }
  | { readonly ok: false; readonly error: string };

const TOKEN = "[!#$%&'*+.^_`|~0-9a-z-]+";
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}$`);
const CHARSET = /;[ \t]*charset[ \t]*=[ \t]*("[^"]*"|[^;]*)/g;

/**
 * Classifies a content-type header (RFC 9110, 8.3.1; structured suffixes: RFC 6839). It refuses texts that are no media
 * type, `multipart/*` (its parts can't be written) and charsets other than UTF-8.
 */
export function classifyContentType(value: string): ClassifiedContentType {
  const text = value.toLowerCase();
  const mediaType = (text.split(';', 1)[0] as string).trim();
  if (!MEDIA_TYPE.test(mediaType))
    return { ok: false, error: 'must be a media type such as application/json' };
  if (mediaType.startsWith('multipart/')) return { ok: false, error: 'multipart bodies are not supported' };
  for (const [, charset = ''] of text.matchAll(CHARSET)) {
    if (!isUtf8Label(charset)) return { ok: false, error: 'charsets other than UTF-8 are not supported' };
  }
  return { ok: true, kind: kindOf(mediaType) };
}

function isUtf8Label(label: string): boolean {
  return /^"?utf-?8"?$/.test(label.trim());
}

// Types of JSON texts in a row count too (NDJSON, RFC 7464): a value could end the text that it stands in.
const JSON_TYPE = /^(?:application|text)\/(?:x-)?(?:json|ndjson|jsonl|jsonlines|json-seq)$|\+json(?:-seq)?$/;
const XML_TYPE = /^(?:application|text)\/xml$|^text\/html$|\+xml$/;

function kindOf(mediaType: string): ContentKind {
  if (JSON_TYPE.test(mediaType)) return 'json';
  if (mediaType === 'application/x-www-form-urlencoded') return 'form';
  return XML_TYPE.test(mediaType) ? 'xml' : 'text';
}
