import type { CompiledHeader, CompiledRequest } from './compile-request.ts';
import { MAX_RENDERED_BODY_BYTES, MAX_RENDERED_HEADER_BYTES } from '../limits.ts';
import { createPass, write, type RenderPass } from './render-template.ts';
import { renderUrl } from './render-url.ts';
import type { PlaceholderValues } from './placeholder-values.ts';
import { MASK } from '../redaction/redact.ts';
import type { Failure } from '../failures.ts';

/** A rendered request; header names are in lower case. */
export interface RenderedRequest {
  readonly method: string;
  /** In a query, `'` stands as it is; the URL parser of whoever sends it writes `%27`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A request as it may be shown: secrets and the values of sensitive names are masked. */
export interface MaskedRequest extends RenderedRequest {
  /** Bytes of the body that is really sent, where known. */
  readonly bodyBytes?: number;
}

/** A rendered request, or why it can't be sent (`RENDER`, nothing was sent); `missing` lists names in order of use. */
export type Rendering =
  | { readonly ok: true; readonly request: RenderedRequest; readonly missing: readonly string[] }
  | { readonly ok: false; readonly failure: Failure; readonly missing: readonly string[] };

// oxlint-disable-next-line no-control-regex -- control characters are what it is for
const NOT_IN_HEADERS = /[\u0000-\u001f\u007f-\u009f]|[^\u0000-\u00ff]/;

/** Whether a text may be a header's value: Latin-1 without control characters. */
export function isHeaderText(text: string): boolean {
  return !NOT_IN_HEADERS.test(text);
}

function renderHeader(pass: RenderPass, { name, parts, sensitive }: CompiledHeader): string {
  if (sensitive && pass.masked) return MASK;
  const place = `header "${name}"`;
  const text = write(pass, parts, place, MAX_RENDERED_HEADER_BYTES);
  if (!pass.masked && !isHeaderText(text)) {
    pass.problem ??= `${place} would have a control character or one outside of Latin-1`;
  }
  return text;
}

function renderHeaders(pass: RenderPass, headers: readonly CompiledHeader[]): Record<string, string> {
  const rendered: Record<string, string> = {};
  for (const header of headers) {
    rendered[header.name] = renderHeader(pass, header);
    if (pass.problem !== undefined) break;
  }
  return rendered;
}

/**
 * Renders a request. Every value is written so that it can't leave its place; what can't be written so fails as
 * `RENDER`, with a message that names the place and never the value. Values are not templates: there is no second pass.
 */
export function renderRequest(compiled: CompiledRequest, scope: PlaceholderValues): Rendering {
  const pass = createPass(scope, false);
  const url = renderUrl(pass, compiled.url);
  const headers = pass.problem === undefined ? renderHeaders(pass, compiled.headers) : {};
  const body =
    pass.problem === undefined && compiled.body !== undefined
      ? write(pass, compiled.body.parts, 'the body', MAX_RENDERED_BODY_BYTES)
      : undefined;
  const { missing, problem } = pass;
  if (problem !== undefined)
    return { ok: false, failure: { code: 'RENDER', message: problem, sent: 'no' }, missing };
  const request = { method: compiled.method, url, headers };
  return { ok: true, request: body === undefined ? request : { ...request, body }, missing };
}

function maskedHeader(
  pass: RenderPass,
  header: CompiledHeader,
  rendered: RenderedRequest | undefined,
): string {
  const shown = header.sensitive || header.hasSecret ? undefined : rendered?.headers[header.name];
  return shown ?? renderHeader(pass, header);
}

function maskedBody(
  pass: RenderPass,
  { body, secretInBody }: CompiledRequest,
  rendered: RenderedRequest | undefined,
): string | undefined {
  if (body === undefined) return undefined;
  if (rendered?.body !== undefined && !secretInBody) return rendered.body;
  return write(pass, body.parts, 'the body', 2 * MAX_RENDERED_BODY_BYTES);
}

/**
 * The request as it may be recorded: with masks for secrets, for the values of sensitive headers (whole, literal or not)
 * and of query parameters with sensitive names. Given what {@link renderRequest} made (`rendered`), it knows the true
 * size of the body, and takes over what hides nothing instead of writing it again.
 */
export function maskedRender(
  compiled: CompiledRequest,
  scope: PlaceholderValues,
  rendered?: RenderedRequest,
): MaskedRequest {
  const pass = createPass(scope, true);
  const headers: Record<string, string> = {};
  for (const header of compiled.headers) headers[header.name] = maskedHeader(pass, header, rendered);
  const request = {
    method: compiled.method,
    url: rendered === undefined || compiled.hidesInUrl ? renderUrl(pass, compiled.url) : rendered.url,
    headers,
  };
  const body = maskedBody(pass, compiled, rendered);
  if (body === undefined) return request;
  return rendered?.body === undefined
    ? { ...request, body }
    : { ...request, body, bodyBytes: Buffer.byteLength(rendered.body) };
}
