import { isBodyless, prepareBody, type PreparedBody } from './body-template.ts';
import { hasSecret, prepare, type Prepared } from './prepared.ts';
import { isSensitiveName } from '../redaction/sensitive-names.ts';
import { textOf } from './escape.ts';
import { parseTemplate } from './template.ts';
import type { WebhookConfig } from '../agent.ts';
import { parseUrlTemplate, type PreparedUrl } from './url-template.ts';

/** A header whose name is in lower case. */
export interface CompiledHeader {
  readonly name: string;
  readonly parts: Prepared;
  /** Its value is hidden in records. */
  readonly sensitive: boolean;
  /** Whether a secret may land in it. */
  readonly hasSecret: boolean;
}

/** A request template, taken apart once so that rendering is one walk over prepared parts. */
export interface CompiledRequest {
  readonly method: string;
  readonly url: PreparedUrl;
  /** In the writer's order; the default content type last. */
  readonly headers: readonly CompiledHeader[];
  readonly body: PreparedBody | undefined;
  /** Whether something of the URL is hidden in records: a secret, or the value of a sensitive parameter. */
  readonly hidesInUrl: boolean;
  /** Whether a secret may land in the body. */
  readonly secretInBody: boolean;
}

const CONTENT_TYPE = 'content-type';

function compileHeader(name: string, value: string): CompiledHeader {
  const parsed = parseTemplate(value, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved header does not parse: ${parsed.error}`);
  const parts = prepare(parsed.template, textOf);
  return { name, parts, sensitive: isSensitiveName(name), hasSecret: hasSecret(parts) };
}

// A parameter whose name is known only in a call may turn out to be sensitive.
function hidesPart({ path, query }: PreparedUrl): boolean {
  return (
    path.some((piece) => typeof piece !== 'string' && hasSecret(piece.parts)) ||
    query.some(({ sensitive, parts }) => sensitive !== false || hasSecret(parts))
  );
}

function withContentType(
  headers: readonly CompiledHeader[],
  body: PreparedBody | undefined,
): readonly CompiledHeader[] {
  if (body === undefined) return headers.filter(({ name }) => name !== CONTENT_TYPE);
  if (headers.some(({ name }) => name === CONTENT_TYPE)) return headers;
  return [...headers, compileHeader(CONTENT_TYPE, body.contentType)];
}

/**
 * Compiles a webhook's request template. Header values must be the true ones, not masks. Throws for a configuration
 * that the save checks would have refused: that is a bug, not an outcome.
 */
export function compileRequest({ apiSchema }: WebhookConfig): CompiledRequest {
  const { method, requestBody } = apiSchema;
  const parsed = parseUrlTemplate(apiSchema.url);
  if (!parsed.ok) throw new Error(`a saved URL does not parse: ${parsed.error}`);
  const headers = Object.entries(apiSchema.requestHeaders).map(([name, value]) =>
    compileHeader(name.toLowerCase(), value),
  );
  const given = Object.entries(apiSchema.requestHeaders).find(
    ([name]) => name.toLowerCase() === CONTENT_TYPE,
  );
  const body =
    requestBody === undefined || isBodyless(method, requestBody)
      ? undefined
      : prepareBody(requestBody, given?.[1]);
  return {
    method,
    url: parsed.url,
    headers: withContentType(headers, body),
    body,
    hidesInUrl: hidesPart(parsed.url),
    secretInBody: body !== undefined && hasSecret(body.parts),
  };
}
