import { html } from 'hono/html';
import type { Viewer } from '../viewer.ts';
import { shell, type Html } from './shell.ts';

/** Returns a page that says why there is nothing else to see. */
export function problemPage(viewer: Viewer | undefined, title: string, body: string | Html): Html {
  return shell(viewer, { title, body: typeof body === 'string' ? html`<p>${body}</p>` : body });
}
