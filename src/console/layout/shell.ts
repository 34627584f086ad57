import { html } from 'hono/html';
import { csrfInput } from '../access/csrf-field.ts';
import type { Viewer } from '../viewer.ts';
import { assetPath } from '../assets.ts';

/** Text that is safe to send as HTML: what `html` of hono returns. */
export type Html = ReturnType<typeof html>;

/** The parts of a page. */
export interface PageParts {
  /** The name of the page in the window and in its heading. */
  readonly title: string;
  /** The address of the entry of the navigation that the page belongs to. */
  readonly section?: (typeof SECTIONS)[number]['path'];
  readonly body: Html;
  /** The address that the browser loads next, by itself. */
  readonly refreshTo?: string | undefined;
}

const SECTIONS = [
  { path: '/console', label: 'Overview' },
  { path: '/console/executions', label: 'Executions' },
  { path: '/console/agents', label: 'Agents' },
  { path: '/console/try', label: 'Try a webhook' },
] as const;

/** Returns a whole page: head, navigation, search box and body. */
export function shell(viewer: Viewer | undefined, { title, section, body, refreshTo }: PageParts): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refreshTo === undefined ? '' : html`<meta http-equiv="refresh" content="0; url=${refreshTo}" />`}
        <title>${title} · callhooks</title>
        <link rel="icon" href="${assetPath('icon.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetPath('console.css')}" />
        <script src="${assetPath('console.js')}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${viewer === undefined ? '' : header(viewer, section)}
        <main id="main" tabindex="-1">
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>`;
}

function header(viewer: Viewer, section: PageParts['section']): Html {
  return html`<header>
    <nav aria-label="Main">
      <a class="brand" href="/console">callhooks</a>
      ${SECTIONS.map(({ path, label }) => navigationLink(path, label, path === section))}
    </nav>
    <form class="search" action="/console/search" role="search">
      <label class="hidden" for="search">Conversation, execution or agent</label>
      <input
        id="search"
        name="q"
        type="search"
        placeholder="conversation, execution or agent id"
        autocomplete="off"
        spellcheck="false"
        maxlength="1000"
      />
      <button>Find</button>
    </form>
    ${viewer.name === undefined ? '' : logout(viewer)}
  </header>`;
}

function logout({ name, role, formToken }: Viewer): Html {
  return html`<form class="viewer" method="post" action="/console/logout">
    ${csrfInput(formToken)}
    <span>${name} (${role})</span>
    <button>Log out</button>
  </form>`;
}

function navigationLink(path: string, label: string, isHere: boolean): Html {
  return isHere
    ? html`<a href="${path}" aria-current="page">${label}</a>`
    : html`<a href="${path}">${label}</a>`;
}
