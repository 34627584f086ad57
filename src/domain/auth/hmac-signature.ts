import { parseMarkedText, type Mark, type MarkedText } from './marked-text.ts';

/** A hash function for an HMAC (RFC 2104), as Node.js names it. */
export type HashAlgorithm = 'sha256' | 'sha1' | 'sha512';

/** How the bytes of a signature are written. */
export type SignatureEncoding = 'hex' | 'base64';

/** One HMAC in a header of its own, over the bytes that are sent. */
export interface HmacSignature {
  /** The secret whose bytes are the key. */
  readonly secretName: string;
  readonly header: string;
  readonly hashAlgorithm: HashAlgorithm;
  readonly encoding: SignatureEncoding;
  /** What is signed: a text with {@link PAYLOAD_MARKS}. */
  readonly signedPayload: string;
  /** What the header holds: a text with {@link HEADER_MARKS}. */
  readonly headerValue: string;
}

/** An HMAC signature as it came over the wire. It is not validated, and an empty text means its default. */
export interface HmacSignatureDraft extends Omit<HmacSignature, 'hashAlgorithm' | 'encoding'> {
  readonly hashAlgorithm: HashAlgorithm | 'unspecified' | 'unknown';
  readonly encoding: SignatureEncoding | 'unspecified' | 'unknown';
}

/** The marks that `signed_payload` may have. */
export const PAYLOAD_MARKS: readonly Mark[] = ['body', 'timestamp', 'execution_uuid'];
/** The marks that `header_value` may have. */
export const HEADER_MARKS: readonly Mark[] = [...PAYLOAD_MARKS, 'signature'];

/** Returns a draft with its defaults: the hex digits of HMAC-SHA256 over the body. It validates nothing. */
export function fillHmac(draft: HmacSignatureDraft): HmacSignature {
  const { secretName, header, hashAlgorithm, encoding, signedPayload, headerValue } = draft;
  return {
    secretName,
    header,
    hashAlgorithm: isSet(hashAlgorithm) ? hashAlgorithm : 'sha256',
    encoding: isSet(encoding) ? encoding : 'hex',
    signedPayload: signedPayload === '' ? '{body}' : signedPayload,
    headerValue: headerValue === '' ? '{signature}' : headerValue,
  };
}

function isSet<Word extends string>(word: Word | 'unspecified' | 'unknown'): word is Word {
  return word !== 'unspecified' && word !== 'unknown';
}

/** An HMAC signature whose texts were taken apart once. */
export interface CompiledHmac extends Pick<HmacSignature, 'secretName' | 'hashAlgorithm' | 'encoding'> {
  /** In lower case. */
  readonly header: string;
  readonly signedPayload: MarkedText;
  readonly headerValue: MarkedText;
}

/** Compiles a signature that was validated. */
export function compileHmac(signature: HmacSignature): CompiledHmac {
  return {
    ...signature,
    header: signature.header.toLowerCase(),
    signedPayload: parseSaved(signature.signedPayload),
    headerValue: parseSaved(signature.headerValue),
  };
}

function parseSaved(text: string): MarkedText {
  const parsed = parseMarkedText(text, HEADER_MARKS);
  if (!parsed.ok) throw new Error(`a saved text of hmac_signature does not parse: ${parsed.error}`);
  return parsed.parts;
}
