import type { CompiledClient, CompiledHeaderCredentials } from './compile-auth.ts';
import { hasControl, isVisibleAscii } from './credential-text.ts';
import type { ClientCredentials } from './token-request.ts';
import { MAX_RENDERED_HEADER_BYTES } from '../limits.ts';
import type { CompiledTemplate } from '../template/compile-template.ts';
import { renderTemplate, type RenderState } from '../template/render-template.ts';

/** Renders an `authorization` header. Notes a problem, which names the field of `auth`, where the values do not fit. */
export function renderCredentials(state: RenderState, credentials: CompiledHeaderCredentials): string {
  const value =
    credentials.kind === 'basic' ? renderBasic(state, credentials) : renderBearer(state, credentials);
  if (value.length > MAX_RENDERED_HEADER_BYTES)
    state.problem ??= `header "authorization" is larger than ${MAX_RENDERED_HEADER_BYTES} bytes`;
  return value;
}

// RFC 7617, 2: the username has no colon, and neither part has control characters.
function renderBasic(
  state: RenderState,
  credentials: Extract<CompiledHeaderCredentials, { kind: 'basic' }>,
): string {
  const username = renderTemplate(
    state,
    credentials.username,
    'auth.basic.username',
    MAX_RENDERED_HEADER_BYTES,
  );
  const password = renderTemplate(
    state,
    credentials.password,
    'auth.basic.password',
    MAX_RENDERED_HEADER_BYTES,
  );
  if (username.includes(':')) state.problem ??= 'auth.basic.username would have a colon';
  if (hasControl(username)) state.problem ??= 'auth.basic.username would have a control character';
  if (hasControl(password)) state.problem ??= 'auth.basic.password would have a control character';
  if (username === '' && password === '')
    state.problem ??= 'auth.basic would have no username and no password';
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function renderBearer(
  state: RenderState,
  { token }: Extract<CompiledHeaderCredentials, { kind: 'bearer' }>,
): string {
  const text = renderTemplate(state, token, 'auth.bearer.token', MAX_RENDERED_HEADER_BYTES);
  if (text === '') state.problem ??= 'auth.bearer.token would be empty';
  if (!isVisibleAscii(text)) {
    state.problem ??= 'auth.bearer.token would have a blank, a control character or one outside of ASCII';
  }
  return `Bearer ${text}`;
}

/** Renders the id and secret of an OAuth2 client. Notes a problem, which names the field of `auth`, where one is empty. */
export function renderClient(state: RenderState, client: CompiledClient): ClientCredentials {
  const { tokenUrl, scopes, audience, clientAuthMethod } = client;
  const render = (template: CompiledTemplate, place: string): string => {
    const text = renderTemplate(state, template, place, MAX_RENDERED_HEADER_BYTES);
    if (text === '') state.problem ??= `${place} would be empty`;
    return text;
  };
  return {
    tokenUrl,
    clientId: render(client.clientId, 'auth.oauth2.client_id'),
    clientSecret: render(client.clientSecret, 'auth.oauth2.client_secret'),
    scopes,
    audience,
    clientAuthMethod,
  };
}
