import { MAX_RENDERED_URL_BYTES } from '../limits.ts';
import { write, type RenderPass } from './render-template.ts';
import { isSensitiveParameter } from '../redaction/sensitive-names.ts';
import { MASK } from '../redaction/redact.ts';
import type { PathSegment, PreparedUrl, QueryParameter } from './url-template.ts';

const PLACE = 'the URL';
// The WHATWG parser's dot segments: "." may be spelled "%2e", in either case.
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i;

function writeSegment(pass: RenderPass, { number, parts }: PathSegment): string {
  const text = write(pass, parts, PLACE, MAX_RENDERED_URL_BYTES);
  if (text === '') pass.problem ??= `path segment ${number} of the URL would be empty`;
  if (DOT_SEGMENT.test(text)) pass.problem ??= `path segment ${number} of the URL would be a dot segment`;
  return text;
}

function writeParameter(pass: RenderPass, parameter: QueryParameter): string {
  const text = write(pass, parameter.parts, PLACE, MAX_RENDERED_URL_BYTES);
  if (!pass.masked || !text.includes('=')) return text;
  const name = write(pass, parameter.name, PLACE, MAX_RENDERED_URL_BYTES);
  return (parameter.sensitive ?? isSensitiveParameter(name)) ? `${name}=${MASK}` : text;
}

/**
 * Renders a URL. Its origin and the number of its path segments are the template's whatever the values are: a segment
 * that would vanish or move the path (empty, or dots) is a problem of the pass.
 */
export function renderUrl(pass: RenderPass, { origin, path, query }: PreparedUrl): string {
  // What can't be sent any more is not written to its end: each value may be as large as a message.
  const isTooLong = (): boolean => !pass.masked && url.length > MAX_RENDERED_URL_BYTES;
  let url = origin;
  for (const piece of path) {
    url += typeof piece === 'string' ? piece : writeSegment(pass, piece);
    if (isTooLong()) break;
  }
  for (const [i, parameter] of query.entries()) {
    if (isTooLong()) break;
    url += (i === 0 ? '?' : '&') + writeParameter(pass, parameter);
  }
  if (isTooLong()) pass.problem ??= `${PLACE} is larger than ${MAX_RENDERED_URL_BYTES} bytes`;
  return url;
}
