import { compileCredentials, partsOfCredentials, type CompiledCredentials } from '../auth/compile-auth.ts';
import type { AuthMethod } from '../auth/endpoint-auth.ts';
import { compileBody, isBodyless, type CompiledBody } from './body-template.ts';
import { isSensitiveName } from '../redaction/sensitive-names.ts';
import { compileTemplate, hasSecret, type CompiledTemplate } from './compile-template.ts';
import { asText } from './escape.ts';
import { parseTemplate } from './template.ts';
import type { WebhookConfig } from '../agent.ts';
import { parseUrlTemplate, type CompiledUrl } from './url-template.ts';

/** A header of a request template. */
export interface CompiledHeader {
  /** In lower case. */
  readonly name: string;
  readonly template: CompiledTemplate;
  /** Says whether records mask its value because of its name. */
  readonly sensitive: boolean;
  /** Says whether a secret may land in it. */
  readonly hasSecret: boolean;
  /** How the header is written that `auth` sets. Its `template` only holds the parts of these then. */
  readonly credentials?: CompiledCredentials;
}

/** A request template that was taken apart once, so that rendering is one walk over its parts. */
export interface CompiledRequest {
  readonly method: string;
  readonly url: CompiledUrl;
  /**
   * In the writer's order. The header that `auth` sets and the default content type come last. Without a body there is
   * no content type but a given one.
   */
  readonly headers: readonly CompiledHeader[];
  readonly body: CompiledBody | undefined;
  /** Says whether records mask something in the URL: a secret, or the value of a parameter with a sensitive name. */
  readonly redactsInUrl: boolean;
  /** Says whether a secret may land in the body. */
  readonly secretInBody: boolean;
}

const CONTENT_TYPE = 'content-type';

/**
 * Compiles a webhook's request template. The header values must be the true ones, not masks. Throws for a configuration
 * that the validation would have refused: that is a bug, not an outcome.
 */
export function compileRequest({ apiSchema }: WebhookConfig): CompiledRequest {
  const { method, requestBody } = apiSchema;
  const parsed = parseUrlTemplate(apiSchema.url);
  if (!parsed.ok) throw new Error(`a saved URL does not parse: ${parsed.error}`);
  const headers = [
    ...Object.entries(apiSchema.requestHeaders).map(([name, value]) => compileHeader(name, value)),
    ...compileAuth(apiSchema.auth?.method),
  ];
  const given = Object.entries(apiSchema.requestHeaders).find(
    ([name]) => name.toLowerCase() === CONTENT_TYPE,
  );
  const body =
    requestBody === undefined || isBodyless(method, requestBody)
      ? undefined
      : compileBody(requestBody, given?.[1]);
  return {
    method,
    url: parsed.url,
    headers: withContentType(headers, body),
    body,
    redactsInUrl: redactsInUrl(parsed.url),
    secretInBody: body !== undefined && hasSecret(body.template),
  };
}

function compileHeader(name: string, value: string): CompiledHeader {
  const parsed = parseTemplate(value, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved header does not parse: ${parsed.error}`);
  const template = compileTemplate(parsed.template, asText);
  // The name as it is written tells more: `AccessToken` is sensitive.
  const sensitive = isSensitiveName(name);
  return { name: name.toLowerCase(), template, sensitive, hasSecret: hasSecret(template) };
}

function compileAuth(method: AuthMethod | undefined): readonly CompiledHeader[] {
  if (method === undefined) return [];
  const credentials = compileCredentials(method);
  const template = partsOfCredentials(credentials);
  return [{ name: 'authorization', template, sensitive: true, hasSecret: hasSecret(template), credentials }];
}

function withContentType(
  headers: readonly CompiledHeader[],
  body: CompiledBody | undefined,
): readonly CompiledHeader[] {
  if (body === undefined || headers.some(({ name }) => name === CONTENT_TYPE)) return headers;
  return [...headers, compileHeader(CONTENT_TYPE, body.contentType)];
}

// A parameter whose name is known only in a call may turn out to be sensitive.
function redactsInUrl({ path, query }: CompiledUrl): boolean {
  return (
    path.some((piece) => typeof piece !== 'string' && hasSecret(piece.template)) ||
    query.some(({ sensitive, template }) => sensitive !== false || hasSecret(template))
  );
}
