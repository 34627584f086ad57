import { percentDecoded } from './percent.ts';
import type { RenderedRequest } from './render-request.ts';
import { isSensitiveName, isSensitiveParameter } from './sensitive.ts';

const parameterValues = (url: string): string[] => {
  const start = url.indexOf('?');
  if (start === -1) return [];
  return url
    .slice(start + 1)
    .split('&')
    .map((parameter) => [parameter, parameter.indexOf('=')] as const)
    .filter(([parameter, end]) => end !== -1 && isSensitiveParameter(parameter.slice(0, end)))
    .map(([parameter, end]) => percentDecoded(parameter.slice(end + 1)));
};

/**
 * The values that a record of this request hides by name: those of sensitive headers and query parameters. An endpoint
 * may echo them, so the masker of its response needs them too.
 */
export const hiddenValues = ({
  url,
  headers,
}: Pick<RenderedRequest, 'url' | 'headers'>): readonly string[] => [
  ...Object.entries(headers)
    .filter(([name]) => isSensitiveName(name))
    .map(([, value]) => value),
  ...parameterValues(url),
];
