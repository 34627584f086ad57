import { renderClient, renderCredentials } from '../auth/render-auth.ts';
import type { CompiledHeader, CompiledRequest } from './compile-request.ts';
import { MAX_RENDERED_BODY_BYTES, MAX_RENDERED_HEADER_BYTES, MAX_RENDERED_URL_BYTES } from '../limits.ts';
import { isHeaderText } from './escape.ts';
import {
  renderTemplate,
  startRendering,
  type PlaceholderValues,
  type RenderState,
} from './render-template.ts';
import { MASK } from '../redaction/redact.ts';
import { isSensitiveParameter } from '../redaction/sensitive-names.ts';
import type { CompiledUrl, PathSegment, QueryParameter } from './url-template.ts';
import { failureOf, type Failure } from '../failures.ts';
import type { ClientCredentials } from '../auth/token-request.ts';

/** A rendered request. Header names are in lower case. */
export interface RenderedRequest {
  readonly method: string;
  /** In a query, `'` stands as it is: the URL parser of the HTTP client writes `%27`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The OAuth2 client that gets the token of the `authorization` header, which is not in `headers` yet. */
  readonly client?: ClientCredentials;
}

/** A request as it may be shown: secrets and the values of sensitive names are masked. */
export interface MaskedRequest extends Omit<RenderedRequest, 'client'> {
  /** Bytes of the body that is really sent, where they are known. */
  readonly bodyBytes?: number;
}

/**
 * A rendered request, or why it can't be sent (`RENDER`, nothing was sent). `missing` lists the names of missing
 * variables in order of use.
 */
export type Rendering =
  | { readonly ok: true; readonly request: RenderedRequest; readonly missing: readonly string[] }
  | { readonly ok: false; readonly failure: Failure; readonly missing: readonly string[] };

/**
 * Renders a request. Every value is escaped for its place. A value that can't be escaped fails the request as `RENDER`,
 * with a message that names the place and never the value. Values are not templates: there is no second pass.
 */
export function renderRequest(compiled: CompiledRequest, values: PlaceholderValues): Rendering {
  const state = startRendering(values, false);
  const url = renderUrl(state, compiled.url);
  const headers = state.problem === undefined ? renderHeaders(state, compiled.headers) : {};
  const body =
    state.problem === undefined && compiled.body !== undefined
      ? renderTemplate(state, compiled.body.template, 'the body', MAX_RENDERED_BODY_BYTES)
      : undefined;
  const { missing, problem, client } = state;
  if (problem !== undefined) return { ok: false, failure: failureOf('RENDER', problem), missing };
  const bodyless = { method: compiled.method, url, headers };
  const request = body === undefined ? bodyless : { ...bodyless, body };
  return { ok: true, request: client === undefined ? request : { ...request, client }, missing };
}

const URL_PLACE = 'the URL';

// The URL's origin is the template's, and so is the number of its path segments, but for the slashes of secrets. A segment
// that would vanish or move the path (empty, or dots) is a problem.
function renderUrl(state: RenderState, { origin, path, query }: CompiledUrl): string {
  // A URL that can't be sent any more is not written to its end: each value may be as large as a message.
  const isTooLong = (): boolean => !state.masked && url.length > MAX_RENDERED_URL_BYTES;
  let url = origin;
  for (const piece of path) {
    url += typeof piece === 'string' ? piece : renderSegment(state, piece);
    if (isTooLong()) break;
  }
  for (const [i, parameter] of query.entries()) {
    if (isTooLong()) break;
    url += (i === 0 ? '?' : '&') + renderParameter(state, parameter);
  }
  if (isTooLong()) state.problem ??= `${URL_PLACE} is larger than ${MAX_RENDERED_URL_BYTES} bytes`;
  return url;
}

// The WHATWG parser's dot segments: "." may also be written "%2e", in either case.
const DOT_SEGMENT = /^(?:\.|%2e){1,2}$/i;

function renderSegment(state: RenderState, { number, template }: PathSegment): string {
  const text = renderTemplate(state, template, URL_PLACE, MAX_RENDERED_URL_BYTES);
  if (hasSegment(text, (segment) => segment === ''))
    state.problem ??= `path segment ${number} of the URL would be empty`;
  if (hasSegment(text, (segment) => DOT_SEGMENT.test(segment)))
    state.problem ??= `path segment ${number} of the URL would be a dot segment`;
  return text;
}

function hasSegment(text: string, test: (segment: string) => boolean): boolean {
  return text.includes('/') ? text.split('/').some(test) : test(text);
}

function renderParameter(state: RenderState, parameter: QueryParameter): string {
  const text = renderTemplate(state, parameter.template, URL_PLACE, MAX_RENDERED_URL_BYTES);
  if (!state.masked || !text.includes('=')) return text;
  const name = renderTemplate(state, parameter.name, URL_PLACE, MAX_RENDERED_URL_BYTES);
  return (parameter.sensitive ?? isSensitiveParameter(name)) ? `${name}=${MASK}` : text;
}

function renderHeaders(state: RenderState, headers: readonly CompiledHeader[]): Record<string, string> {
  const rendered: Record<string, string> = {};
  for (const header of headers) {
    if (header.credentials?.kind === 'oauth2') state.client = renderClient(state, header.credentials);
    else rendered[header.name] = renderHeader(state, header);
    if (state.problem !== undefined) break;
  }
  return rendered;
}

function renderHeader(state: RenderState, header: CompiledHeader): string {
  const { name, template, sensitive, credentials } = header;
  if (sensitive && state.masked) return MASK;
  if (credentials !== undefined && credentials.kind !== 'oauth2')
    return renderCredentials(state, credentials);
  const place = `header "${name}"`;
  const text = renderTemplate(state, template, place, MAX_RENDERED_HEADER_BYTES);
  if (!state.masked && !isHeaderText(text)) {
    state.problem ??= `${place} would have a control character or one outside of Latin-1`;
  }
  return text;
}

/**
 * Renders a request as it may be recorded. Secrets, the values of sensitive headers (whole, literal or not) and of
 * query parameters with sensitive names are masks. Given what {@link renderRequest} made (`rendered`), it knows the
 * true size of the body, and takes over the parts in which nothing is masked instead of writing them again.
 */
export function maskedRender(
  compiled: CompiledRequest,
  values: PlaceholderValues,
  rendered?: RenderedRequest,
): MaskedRequest {
  const state = startRendering(values, true);
  const headers: Record<string, string> = {};
  for (const header of compiled.headers) headers[header.name] = maskedHeader(state, header, rendered);
  const request = {
    method: compiled.method,
    url: rendered === undefined || compiled.redactsInUrl ? renderUrl(state, compiled.url) : rendered.url,
    headers,
  };
  const body = maskedBody(state, compiled, rendered);
  if (body === undefined) return request;
  return rendered?.body === undefined
    ? { ...request, body }
    : { ...request, body, bodyBytes: Buffer.byteLength(rendered.body) };
}

function maskedHeader(
  state: RenderState,
  header: CompiledHeader,
  rendered: RenderedRequest | undefined,
): string {
  const shown = header.sensitive || header.hasSecret ? undefined : rendered?.headers[header.name];
  return shown ?? renderHeader(state, header);
}

function maskedBody(
  state: RenderState,
  { body, secretInBody }: CompiledRequest,
  rendered: RenderedRequest | undefined,
): string | undefined {
  if (body === undefined) return undefined;
  if (rendered?.body !== undefined && !secretInBody) return rendered.body;
  return renderTemplate(state, body.template, 'the body', 2 * MAX_RENDERED_BODY_BYTES);
}
