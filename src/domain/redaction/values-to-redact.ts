import type { CompiledRequest } from '../template/compile-request.ts';
import { percentDecoded } from '../percent.ts';
import type { Prepared } from '../template/prepared.ts';
import { renderRequest, type RenderedRequest } from '../template/render-request.ts';
import { createPlaceholderValues } from '../template/placeholder-values.ts';
import { isSensitiveName, isSensitiveParameter } from './sensitive-names.ts';

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

/**
 * The values that a record of this request hides by name: those of sensitive headers and query parameters. An endpoint
 * may echo them, so the masker of its response needs them too.
 */
export function valuesToRedact({
  url,
  headers,
}: Pick<RenderedRequest, 'url' | 'headers'>): readonly string[] {
  return [
    ...Object.entries(headers)
      .filter(([name]) => isSensitiveName(name))
      .map(([, value]) => value),
    ...parameterValues(url),
  ];
}

// Literals and secrets: what stays the same as long as the webhook and its secrets do.
function isFixed(parts: Prepared): boolean {
  return parts.every((part) => typeof part === 'string' || part.placeholder.segments[0] === 'secret');
}

/** Whether a record of this request hides values by name that only a call brings. */
export function redactsCallValues({ headers, url }: CompiledRequest): boolean {
  return (
    headers.some(({ sensitive, parts }) => sensitive && !isFixed(parts)) ||
    url.query.some(({ sensitive, parts }) => sensitive !== false && !isFixed(parts))
  );
}

/**
 * Returns those of the {@link valuesToRedact} that are the same in every call. They are all of them where
 * {@link redactsCallValues} says no.
 */
export function fixedValuesToRedact(
  compiled: CompiledRequest,
  secrets: Readonly<Record<string, string>>,
): readonly string[] {
  const { url, headers } = compiled;
  const query = url.query.filter(({ sensitive, parts }) => sensitive !== false && isFixed(parts));
  const result = renderRequest(
    {
      ...compiled,
      url: { ...url, path: [], query },
      headers: headers.filter(({ sensitive, parts }) => sensitive && isFixed(parts)),
      body: undefined,
    },
    createPlaceholderValues({ ...NO_CALL, secrets }),
  );
  // What can't be written here can't be written in a call either.
  return result.ok ? valuesToRedact(result.request) : [];
}

const NO_CALL = {
  webhookType: 'pre_call',
  agentUuid: '',
  conversationUuid: '',
  details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
  variables: {},
} as const;
