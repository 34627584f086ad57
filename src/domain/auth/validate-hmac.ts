import { violationsOf, type Violation } from '../../errors.ts';
import type { EndpointAuth } from './endpoint-auth.ts';
import { fillHmac, HEADER_MARKS, PAYLOAD_MARKS, type HmacSignatureDraft } from './hmac-signature.ts';
import { marksOf, parseMarkedText, type Mark } from './marked-text.ts';
import { MAX_SIGNED_TEXT_BYTES } from '../limits.ts';
import { isHeaderText } from '../template/escape.ts';
import { entryPath } from '../validation/field-path.ts';
import { headerNameProblem } from '../validation/validate-headers.ts';
import { secretNameProblem } from '../validation/validate-secrets.ts';

/** Returns the violations of an `hmac_signature` by itself. */
export function hmacViolations(
  draft: HmacSignatureDraft | undefined,
  field: string,
  secretNames: ReadonlySet<string>,
): Violation[] {
  if (draft === undefined) return [];
  const { signedPayload, headerValue } = fillHmac(draft);
  return [
    ...violationsOf(`${field}.secret_name`, secretNameProblem(draft.secretName, secretNames)),
    ...violationsOf(`${field}.header`, headerProblem(draft.header)),
    ...violationsOf(
      `${field}.hash_algorithm`,
      draft.hashAlgorithm === 'unknown'
        ? 'must be HASH_ALGORITHM_SHA256, HASH_ALGORITHM_SHA1 or HASH_ALGORITHM_SHA512'
        : undefined,
    ),
    ...violationsOf(
      `${field}.encoding`,
      draft.encoding === 'unknown' ? 'must be ENCODING_HEX or ENCODING_BASE64' : undefined,
    ),
    ...violationsOf(`${field}.signed_payload`, payloadProblem(signedPayload)),
    ...violationsOf(`${field}.header_value`, headerValueProblem(headerValue)),
  ];
}

function headerProblem(name: string): string | undefined {
  if (name === '') return 'is required';
  if (name.toLowerCase() === 'content-type') return 'must not be content-type';
  return headerNameProblem(name);
}

function payloadProblem(text: string): string | undefined {
  const read = readText(text, PAYLOAD_MARKS);
  if ('problem' in read) return read.problem;
  return read.marks.length > 0 ? undefined : 'must hold {body}, {timestamp} or {execution_uuid}';
}

function headerValueProblem(text: string): string | undefined {
  const read = readText(text, HEADER_MARKS);
  if ('problem' in read) return read.problem;
  if (!isHeaderText(text)) return 'must not hold control characters or characters outside of Latin-1';
  return read.marks.includes('signature') ? undefined : 'must hold {signature}';
}

function readText(text: string, marks: readonly Mark[]) {
  if (Buffer.byteLength(text) > MAX_SIGNED_TEXT_BYTES)
    return { problem: `must not be larger than ${MAX_SIGNED_TEXT_BYTES} bytes` };
  const parsed = parseMarkedText(text, marks);
  if (!parsed.ok) return { problem: parsed.error };
  const found = marksOf(parsed.parts);
  // A body may have 4 MiB, and a text of 1 KiB has room for it 170 times.
  return found.indexOf('body') === found.lastIndexOf('body')
    ? { marks: found }
    : { problem: 'must hold {body} only once' };
}

/** Returns the violations of a signature's header that is set in another way too: by `request_headers` or `auth`. */
export function besideHmacViolations(
  header: string | undefined,
  config: {
    readonly requestHeaders: Readonly<Record<string, string>>;
    readonly auth?: EndpointAuth | undefined;
  },
  path: string,
): Violation[] {
  if (header === undefined || header === '') return [];
  const lower = header.toLowerCase();
  const method = lower === 'authorization' ? config.auth?.method : undefined;
  const twin = Object.keys(config.requestHeaders).find((name) => name.toLowerCase() === lower);
  return [
    ...(twin === undefined
      ? []
      : violationsOf(
          entryPath(`${path}.api_schema.request_headers`, twin),
          'is the header that hmac_signature sets',
        )),
    ...violationsOf(
      `${path}.hmac_signature.header`,
      method === undefined ? undefined : `can't be the header that auth.${method.kind} sets`,
    ),
  ];
}
