import type { CompiledHmac, HmacSignature } from '../../domain/auth/hmac-signature.ts';
import { fillMarks } from '../../domain/auth/marked-text.ts';
import { failureOf, type Failure } from '../../domain/failures.ts';
import { MAX_RENDERED_HEADER_BYTES } from '../../domain/limits.ts';
import { isHeaderText } from '../../domain/template/escape.ts';
import type { RunnableWebhook } from './runnable-webhook.ts';

/** What signing needs from outside. */
export interface SignatureDeps {
  readonly sign: (message: {
    id: string;
    timestampSecs: number;
    body: string;
    secrets: readonly string[];
  }) => string;
  readonly signHmac: (message: {
    hashAlgorithm: HmacSignature['hashAlgorithm'];
    encoding: HmacSignature['encoding'];
    key: string;
    payload: string;
  }) => string;
  readonly now: () => number;
}

/** The headers that sign a request. */
export interface Signatures {
  readonly headers: Readonly<Record<string, string>>;
  /** The header of `hmac_signature`, and the texts in it that records mask. */
  readonly hmac?: { readonly header: string; readonly values: readonly string[] };
}

const NO_SIGNATURES: Signatures = { headers: {} };

/** Signs a request in every way that its webhook asks for, all with one timestamp, or says why that is impossible. */
export function signRequest(
  deps: SignatureDeps,
  runnable: RunnableWebhook,
  executionUuid: string,
  body: string,
): Signatures | { readonly failure: Failure } {
  const { hmac, secrets, webhook } = runnable;
  const names = webhook.config.signingSecretNames;
  if (names.length === 0 && hmac === undefined) return NO_SIGNATURES;
  const message = { id: executionUuid, timestampSecs: Math.floor(deps.now() / 1000), body };
  const standard = names.length === 0 ? {} : standardHeaders(deps, message, secretsOf(secrets, names));
  if (hmac === undefined) return { headers: standard };
  const signed = signHmac(deps, hmac, secrets[hmac.secretName] ?? '', message);
  if ('failure' in signed) return signed;
  const [value] = signed.values;
  return { headers: { ...standard, [hmac.header]: value }, hmac: { header: hmac.header, ...signed } };
}

interface Message {
  readonly id: string;
  readonly timestampSecs: number;
  readonly body: string;
}

function secretsOf(secrets: Readonly<Record<string, string>>, names: readonly string[]): string[] {
  return names.map((name) => secrets[name] ?? '').filter((secret) => secret !== '');
}

// Standard Webhooks 1.0: a signature covers id, timestamp and body. There is one for each secret, so that secrets can rotate.
function standardHeaders(
  { sign }: SignatureDeps,
  message: Message,
  secrets: readonly string[],
): Record<string, string> {
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestampSecs),
    'webhook-signature': sign({ ...message, secrets }),
  };
}

function signHmac(
  deps: SignatureDeps,
  { header, hashAlgorithm, encoding, signedPayload, headerValue }: CompiledHmac,
  key: string,
  { id, timestampSecs, body }: Message,
): { readonly values: readonly [headerValue: string, signature: string] } | { readonly failure: Failure } {
  const marks = { body, timestamp: String(timestampSecs), execution_uuid: id, signature: '' };
  const payload = fillMarks(signedPayload, marks);
  const signature = deps.signHmac({ hashAlgorithm, encoding, key, payload });
  const value = fillMarks(headerValue, { ...marks, signature });
  const fits = value.length <= MAX_RENDERED_HEADER_BYTES && isHeaderText(value);
  if (fits && Buffer.byteLength(value) <= MAX_RENDERED_HEADER_BYTES) return { values: [value, signature] };
  const problem = `header "${header}" of hmac_signature would be too large or have a character that headers can't have`;
  return { failure: failureOf('RENDER', problem) };
}
