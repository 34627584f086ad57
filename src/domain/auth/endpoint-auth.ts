import { parseTemplate } from '../template/template.ts';
import type { ClientAuthMethod } from './token-request.ts';

/** Says how callhooks proves to an endpoint who calls. */
export interface EndpointAuth {
  /** What the `authorization` header holds. */
  readonly method?: AuthMethod | undefined;
  /** What is shown in the TLS handshake when the endpoint asks for a certificate. */
  readonly clientCertificate?: ClientCertificate | undefined;
}

/** Names the secrets that hold a certificate (with its chain) and its private key, both as PEM. */
export interface ClientCertificate {
  readonly certificateSecretName: string;
  readonly privateKeySecretName: string;
}

/** A scheme of the `authorization` header with its templates. A further scheme is a further member of this union. */
export type AuthMethod = BasicAuth | BearerAuth | OAuth2Auth;

/** Sends a username and a password by the Basic scheme (RFC 7617). */
export interface BasicAuth {
  readonly kind: 'basic';
  readonly username: string;
  readonly password: string;
}

/** Sends a token by the Bearer scheme (RFC 6750). */
export interface BearerAuth {
  readonly kind: 'bearer';
  readonly token: string;
}

/** Sends an access token that a token endpoint gives for the credentials of an OAuth2 client (RFC 6749, 4.4). */
export interface OAuth2Auth {
  readonly kind: 'oauth2';
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly audience: string;
  /** The check refuses `unknown`. */
  readonly clientAuthMethod: ClientAuthMethod | 'unknown';
}

/** A text of an `auth`, which is a template. */
export interface AuthText {
  /** The path inside of `auth`: `basic.password`. */
  readonly field: string;
  readonly text: string;
  /** Says whether it proves who calls, so that its own words must not be shown. */
  readonly isSecret: boolean;
}

/** Returns an `auth` in which `write` has written each text. */
export function mapAuthTexts(auth: EndpointAuth, write: (text: AuthText) => string): EndpointAuth {
  return auth.method === undefined ? auth : { ...auth, method: mapMethodTexts(auth.method, write) };
}

function mapMethodTexts(method: AuthMethod, write: (text: AuthText) => string): AuthMethod {
  switch (method.kind) {
    case 'basic': {
      const { username, password } = method;
      // Some services take a key as the username, and no password.
      const isKey = password === '';
      return {
        ...method,
        username: write({ field: 'basic.username', text: username, isSecret: isKey }),
        password: write({ field: 'basic.password', text: password, isSecret: true }),
      };
    }
    case 'bearer':
      return { ...method, token: write({ field: 'bearer.token', text: method.token, isSecret: true }) };
    case 'oauth2': {
      const { clientId, clientSecret } = method;
      return {
        ...method,
        clientId: write({ field: 'oauth2.client_id', text: clientId, isSecret: false }),
        clientSecret: write({ field: 'oauth2.client_secret', text: clientSecret, isSecret: true }),
      };
    }
  }
}

/** Returns the texts of an `auth` in their order. */
export function authTexts(auth: EndpointAuth | undefined): readonly AuthText[] {
  const texts: AuthText[] = [];
  if (auth !== undefined) {
    mapAuthTexts(auth, (text) => {
      texts.push(text);
      return text.text;
    });
  }
  return texts;
}

/** Reports whether a text is sealed at rest and reads as a mask: it is secret, and not placeholders alone. */
export function isSealedText({ text, isSecret }: AuthText): boolean {
  if (!isSecret || text === '') return false;
  const parsed = parseTemplate(text, { escapes: true });
  return !parsed.ok || parsed.template.some((part) => typeof part === 'string');
}

/** Returns the origin of the token endpoint that an `auth` names, or undefined where it names none. */
export function tokenOriginOf(auth: EndpointAuth | undefined): string | undefined {
  return auth?.method?.kind === 'oauth2' ? URL.parse(auth.method.tokenUrl)?.origin : undefined;
}

/** Returns the name under which the sealed value of a text is stored. No header has a name with a colon. */
export function sealedTextName({ field }: Pick<AuthText, 'field'>): string {
  return `auth:${field}`;
}
