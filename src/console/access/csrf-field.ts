import type { Context } from 'hono';
import { html } from 'hono/html';
import type { Html } from '../layout/shell.ts';
import type { ConsoleEnv } from '../viewer.ts';

/** The name of the field with the form token. */
export const CSRF_FIELD = 'csrf';

/**
 * Returns the hidden field that each form with `method="post"` needs. `let-in.ts` checks it before the page of the form runs,
 * so that the page has nothing left to check.
 */
export function csrfField(c: Context<ConsoleEnv>): Html {
  return csrfInput(c.get('formToken'));
}

/** Returns the same for a form token. */
export function csrfInput(formToken: string): Html {
  return html`<input type="hidden" name="${CSRF_FIELD}" value="${formToken}" />`;
}
