import type { CompiledCredentials } from './compile-auth.ts';
import { hasControl, isVisibleAscii } from './credential-text.ts';
import { MAX_RENDERED_HEADER_BYTES } from '../limits.ts';
import { renderTemplate, type RenderState } from '../template/render-template.ts';

/** Renders an `authorization` header. Notes a problem, which names the field of `auth`, where the values do not fit. */
export function renderCredentials(state: RenderState, credentials: CompiledCredentials): string {
  const value =
    credentials.kind === 'basic' ? renderBasic(state, credentials) : renderBearer(state, credentials);
  if (value.length > MAX_RENDERED_HEADER_BYTES)
    state.problem ??= `header "authorization" is larger than ${MAX_RENDERED_HEADER_BYTES} bytes`;
  return value;
}

// RFC 7617, 2: the username has no colon, and neither part has control characters.
function renderBasic(
  state: RenderState,
  credentials: Extract<CompiledCredentials, { kind: 'basic' }>,
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
  { token }: Extract<CompiledCredentials, { kind: 'bearer' }>,
): string {
  const text = renderTemplate(state, token, 'auth.bearer.token', MAX_RENDERED_HEADER_BYTES);
  if (text === '') state.problem ??= 'auth.bearer.token would be empty';
  if (!isVisibleAscii(text)) {
    state.problem ??= 'auth.bearer.token would have a blank, a control character or one outside of ASCII';
  }
  return `Bearer ${text}`;
}
