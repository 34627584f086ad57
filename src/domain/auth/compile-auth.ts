import type { AuthMethod } from './endpoint-auth.ts';
import { compileTemplate, type CompiledTemplate } from '../template/compile-template.ts';
import { asText } from '../template/escape.ts';
import { parseTemplate } from '../template/template.ts';

/** The templates of an `authorization` header. */
export type CompiledCredentials =
  | { readonly kind: 'basic'; readonly username: CompiledTemplate; readonly password: CompiledTemplate }
  | { readonly kind: 'bearer'; readonly token: CompiledTemplate };

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
  }
}

/** Returns all parts of the credentials' templates. */
export function partsOfCredentials(credentials: CompiledCredentials): CompiledTemplate {
  return credentials.kind === 'basic'
    ? [...credentials.username, ...credentials.password]
    : credentials.token;
}

function compileText(text: string): CompiledTemplate {
  const parsed = parseTemplate(text, { escapes: true });
  if (!parsed.ok) throw new Error(`a saved text of auth does not parse: ${parsed.error}`);
  return compileTemplate(parsed.template, asText);
}
