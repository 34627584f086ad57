import type { CompiledRequest } from '../template/compile-request.ts';
import type { CompiledTemplate } from '../template/compile-template.ts';
import { renderRequest, type RenderedRequest } from '../template/render-request.ts';
import { createPlaceholderValues } from '../template/render-template.ts';
import { isSecret } from '../template/template.ts';
import { isSensitiveParameter, percentDecoded } from './sensitive-names.ts';

/**
 * Returns the values that the record of a request masks because of their names: those of sensitive headers and query
 * parameters, and the secret of an OAuth2 client. An endpoint may echo them, so the masker of its response needs them too.
 */
export function valuesToRedact(
  compiled: Pick<CompiledRequest, 'headers'>,
  { url, headers, client }: Pick<RenderedRequest, 'url' | 'headers' | 'client'>,
): readonly string[] {
  const sensitive = compiled.headers.filter((header) => header.sensitive).map(({ name }) => headers[name]);
  return [
    ...[...sensitive, client?.clientSecret].filter((value) => value !== undefined),
    ...parameterValues(url),
  ];
}

function parameterValues(url: string): string[] {
  const start = url.indexOf('?');
  if (start === -1) return [];
  return url
    .slice(start + 1)
    .split('&')
    .map((parameter) => [parameter, parameter.indexOf('=')] as const)
    .filter(([parameter, end]) => end !== -1 && isSensitiveParameter(parameter.slice(0, end)))
    .map(([parameter, end]) => percentDecoded(parameter.slice(end + 1)));
}

/** Reports whether the records of a webhook's requests mask values by name that only a call brings. */
export function redactsCallValues({ headers, url }: CompiledRequest): boolean {
  return (
    headers.some(({ sensitive, template }) => sensitive && !isFixed(template)) ||
    url.query.some(({ sensitive, template }) => sensitive !== false && !isFixed(template))
  );
}

// Literals and secrets stay the same as long as the webhook and its secrets do.
function isFixed(template: CompiledTemplate): boolean {
  return template.every((part) => typeof part === 'string' || isSecret(part.placeholder));
}

/**
 * Returns the {@link valuesToRedact} that are the same in every call. They are all of them where
 * {@link redactsCallValues} says no.
 */
export function fixedValuesToRedact(
  compiled: CompiledRequest,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const { url, headers } = compiled;
  const values = createPlaceholderValues({ ...NO_CALL, secrets });
  // Each is rendered alone. One that can't be rendered here can't be rendered in a call either, and must not hide others.
  const valuesOf = (part: Partial<Pick<CompiledRequest, 'headers' | 'url'>>): readonly string[] => {
    const noUrl = { ...url, path: [], query: [] };
    const result = renderRequest({ ...compiled, url: noUrl, headers: [], body: undefined, ...part }, values);
    return result.ok ? valuesToRedact(compiled, result.request) : [];
  };
  return [
    ...headers
      .filter(({ sensitive, template }) => sensitive && isFixed(template))
      .flatMap((header) => valuesOf({ headers: [header] })),
    ...url.query
      .filter(({ sensitive, template }) => sensitive !== false && isFixed(template))
      .flatMap((parameter) => valuesOf({ url: { ...url, path: [], query: [parameter] } })),
  ];
}

/** Returns the segments of the secrets that stand in the path of a URL with slashes in them. */
export function secretSegments(
  { url }: Pick<CompiledRequest, 'url'>,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const parts = url.path.flatMap((piece) => (typeof piece === 'string' ? [] : piece.template));
  const names = parts.flatMap((part) =>
    typeof part === 'object' && isSecret(part.placeholder) ? (part.placeholder.segments[1] ?? []) : [],
  );
  return names.flatMap((name) => (Object.hasOwn(secrets, name) ? (secrets[name] ?? '').split('/') : []));
}

const NO_CALL = {
  webhookType: 'pre_call',
  agentUuid: '',
  conversationUuid: '',
  details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
  variables: {},
} as const;
