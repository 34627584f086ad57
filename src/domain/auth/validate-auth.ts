import { violationsOf, type Violation } from '../../errors.ts';
import {
  authTexts,
  isSealedText,
  sealedTextName,
  type AuthMethod,
  type AuthText,
  type EndpointAuth,
} from './endpoint-auth.ts';
import { hasControl, isVisibleAscii } from './credential-text.ts';
import { MAX_HEADER_TEMPLATE_BYTES } from '../limits.ts';
import { MASK } from '../redaction/redact.ts';
import { parseTemplate } from '../template/template.ts';
import { entryPath } from '../validation/field-path.ts';
import { placeholderViolations, type KnownNames } from '../validation/validate-placeholders.ts';

/** Returns the violations of an `auth`, except those of texts that read as a mask. */
export function authViolations(
  auth: EndpointAuth | undefined,
  field: string,
  known: KnownNames,
): Violation[] {
  if (auth === undefined) return [];
  if (auth.method === undefined) return violationsOf(field, 'must have one of basic and bearer');
  const texts = authTexts(auth).filter(({ text }) => text !== MASK);
  return [
    ...violationsOf(`${field}.${auth.method.kind}`, missingProblem(auth.method)),
    ...texts.flatMap((text) => textViolations(text, `${field}.${text.field}`, known)),
  ];
}

function missingProblem(method: AuthMethod): string | undefined {
  switch (method.kind) {
    case 'basic':
      return method.username === '' && method.password === ''
        ? 'must have a username or a password'
        : undefined;
    case 'bearer':
      return method.token === '' ? 'must have a token' : undefined;
  }
}

function textViolations(text: AuthText, field: string, known: KnownNames): Violation[] {
  if (Buffer.byteLength(text.text) > MAX_HEADER_TEMPLATE_BYTES)
    return violationsOf(field, `must not be larger than ${MAX_HEADER_TEMPLATE_BYTES} bytes`);
  const parsed = parseTemplate(text.text, { escapes: true });
  if (!parsed.ok) return violationsOf(field, parsed.error);
  const literals = parsed.template.filter((part) => typeof part === 'string');
  return [
    ...violationsOf(field, literalsProblem(text.field, literals)),
    ...placeholderViolations(parsed.template, known, field),
  ];
}

function literalsProblem(field: string, literals: readonly string[]): string | undefined {
  if (field === 'bearer.token') {
    return literals.every(isVisibleAscii)
      ? undefined
      : 'must be visible ASCII characters: the token alone, without "Bearer" and without blanks';
  }
  if (literals.some(hasControl)) return 'must not hold control characters';
  return field === 'basic.username' && literals.some((text) => text.includes(':'))
    ? 'must not hold a colon, which ends the username (RFC 7617)'
    : undefined;
}

/** The stored values that a mask may stand for. */
interface MaskedValues {
  /** The names of the values that are stored sealed, as {@link sealedTextName} makes them. */
  readonly storedHeaders: ReadonlySet<string>;
  /** The origin to which the stored values are sent. */
  readonly storedOrigin: string | undefined;
}

/**
 * Returns the violations of texts that read as a mask. A mask stands for the stored text of the same field as long as
 * the URL has the same origin, so that a client that may write but not read can't have a secret sent elsewhere.
 */
export function authMaskViolations(
  auth: EndpointAuth | undefined,
  field: string,
  origin: string | undefined,
  { storedHeaders, storedOrigin }: MaskedValues,
): Violation[] {
  const problemOf = (text: AuthText): string | undefined => {
    if (!isSealedText(text) || !storedHeaders.has(sealedTextName(text)))
      return 'is masked, but no value of this field is stored: write its value';
    if (origin === storedOrigin && origin !== undefined) return undefined;
    return 'is masked, but its stored value is kept for the stored origin only: write its value';
  };
  return authTexts(auth)
    .filter(({ text }) => text === MASK)
    .flatMap((text) => violationsOf(`${field}.${text.field}`, problemOf(text)));
}

/** Returns the violation of an `authorization` header that stands beside an `auth` which sets it. */
export function besideAuthViolations(
  headers: Readonly<Record<string, string>>,
  auth: EndpointAuth | undefined,
  field: string,
): Violation[] {
  const method = auth?.method;
  if (method === undefined) return [];
  const name = Object.keys(headers).find((each) => each.toLowerCase() === 'authorization');
  return name === undefined
    ? []
    : violationsOf(entryPath(field, name), `can't stand beside auth.${method.kind}, which sets this header`);
}
