import type { AuthMethod } from './endpoint-auth.ts';
import type { ClientCredentials } from './token-request.ts';
import { compileTemplate, type CompiledTemplate } from '../template/compile-template.ts';
import { asText } from '../template/escape.ts';
import { parseTemplate } from '../template/template.ts';

/** The templates of credentials: those of an `authorization` header, or of the client that gets a token for it. */
export type CompiledCredentials = CompiledHeaderCredentials | CompiledClient;

/** The templates of an `authorization` header. */
export type CompiledHeaderCredentials =
  | { readonly kind: 'basic'; readonly username: CompiledTemplate; readonly password: CompiledTemplate }
  | { readonly kind: 'bearer'; readonly token: CompiledTemplate };

/** An OAuth2 client with the templates of its id and secret. The token comes when the request is sent. */
export interface CompiledClient extends Omit<ClientCredentials, 'clientId' | 'clientSecret'> {
  readonly kind: 'oauth2';
  readonly clientId: CompiledTemplate;
  readonly clientSecret: CompiledTemplate;
}

/** Compiles a method of `auth`. Its texts must be the true ones, not masks. */
export function compileCredentials(method: AuthMethod): CompiledCredentials {
  switch (method.kind) {
    case 'basic':
      return {
        kind: 'basic',
        username: compileText(method.username),
        password: compileText(method.password),
      };
    case 'bearer':
      return { kind: 'bearer', token: compileText(method.token) };
    case 'oauth2':
      return {
        ...method,
        clientId: compileText(method.clientId),
        clientSecret: compileText(method.clientSecret),
        clientAuthMethod: method.clientAuthMethod === 'post' ? 'post' : 'basic',
      };
  }
}

/** Returns all parts of the credentials' templates. */
export function partsOfCredentials(credentials: CompiledCredentials): CompiledTemplate {
  switch (credentials.kind) {
    case 'basic':
      return [...credentials.username, ...credentials.password];
    case 'bearer':
      return credentials.token;
    case 'oauth2':
      return [...credentials.clientId, ...credentials.clientSecret];
  }
}

function compileText(text: string): CompiledTemplate {
  const parsed = parseTemplate(text, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved text of auth does not parse: ${parsed.error}`);
  return compileTemplate(parsed.template, asText);
}
