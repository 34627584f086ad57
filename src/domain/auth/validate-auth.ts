import { violationsOf, type Violation } from '../../errors.ts';
import {
  authTexts,
  isSealedText,
  sealedTextName,
  tokenOriginOf,
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
import { oauth2Violations, type AuthContext } from './validate-oauth2.ts';

/** Returns the violations of an `auth`, except those of texts that read as a mask. */
export function authViolations(
  auth: EndpointAuth | undefined,
  field: string,
  context: AuthContext,
): Violation[] {
  if (auth === undefined) return [];
  if (auth.method === undefined)
    return violationsOf(field, auth.clientCertificate === undefined ? NOTHING_IN_IT : undefined);
  const texts = authTexts(auth).filter(({ text }) => text !== MASK);
  return [
    ...methodViolations(auth.method, `${field}.${auth.method.kind}`, context),
    ...texts.flatMap((text) => textViolations(text, `${field}.${text.field}`, context)),
  ];
}

const NOTHING_IN_IT = 'must have basic, bearer or oauth2, or a client_certificate';

function methodViolations(method: AuthMethod, field: string, context: AuthContext): Violation[] {
  switch (method.kind) {
    case 'basic': {
      const isEmpty = method.username === '' && method.password === '';
      return violationsOf(field, isEmpty ? 'must have a username or a password' : undefined);
    }
    case 'bearer':
      return violationsOf(`${field}.token`, method.token === '' ? 'is required' : undefined);
    case 'oauth2':
      return oauth2Violations(method, field, context);
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
  /** The origin of the stored token endpoint, if there is one. */
  readonly storedTokenOrigin: string | undefined;
}

/**
 * Returns the violations of texts that read as a mask. A mask stands for the stored text of the same field as long as
 * the URL, and the URL of the token endpoint, have the same origins, so that a client that may write but not read can't
 * have a secret, or a token that was got with it, sent elsewhere.
 */
export function authMaskViolations(
  auth: EndpointAuth | undefined,
  field: string,
  origin: string | undefined,
  { storedHeaders, storedOrigin, storedTokenOrigin }: MaskedValues,
): Violation[] {
  const isSameOrigin =
    origin !== undefined && origin === storedOrigin && tokenOriginOf(auth) === storedTokenOrigin;
  const problemOf = (text: AuthText): string | undefined => {
    if (!isSealedText(text) || !storedHeaders.has(sealedTextName(text)))
      return 'is masked, but no value of this field is stored: write its value';
    if (isSameOrigin) return undefined;
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
