import { html } from 'hono/html';
import { shell, type Html } from '../layout/shell.ts';

/** What a login form says. */
export interface LoginForm {
  /** What `csrfField` returns. */
  readonly csrf: Html;
  /** The page that follows. */
  readonly to: string;
  /** What was wrong with the last try. */
  readonly problem?: string;
  /** The address of this page, when it has to be loaded again by itself. */
  readonly again?: string | undefined;
}

/** Returns the page with the login form. */
export function loginPage({ csrf, to, problem, again }: LoginForm): Html {
  const body = html`<form method="post" action="/console/login" class="login">
    ${csrf}
    <input type="hidden" name="to" value="${to}" />
    <label for="token">Token</label>
    <input
      id="token"
      name="token"
      type="password"
      autocomplete="off"
      spellcheck="false"
      maxlength="512"
      required
      aria-describedby="token-help${problem === undefined ? '' : ' token-problem'}"
      ${problem === undefined ? '' : html`aria-invalid="true"`}
    />
    ${problem === undefined ? '' : html`<p id="token-problem" class="problem" role="alert">${problem}</p>`}
    <p id="token-help">
      A token of gRPC works here too. <code>callhooks token</code> makes one: a <b>viewer</b> reads, and an
      <b>admin</b> also sends tests.
    </p>
    <button>Log in</button>
  </form>`;
  return shell(undefined, { title: 'Log in', body, refreshTo: again });
}

/** Returns the page for people whose token would cross the network in plaintext. */
export function plaintextPage(hasSent: boolean): Html {
  const body = html`<p>
      This page came over plain HTTP from another machine. Whoever can read the network would read your token.
      ${hasSent ? html`<strong>You have sent one: replace it by a new one.</strong>` : ''}
    </p>
    <p>Reach the console in one of these ways:</p>
    <ul>
      <li>through a proxy with TLS, which sends the header <code>X-Forwarded-Proto: https</code>;</li>
      <li>through <code>kubectl port-forward deployment/callhooks 9464</code>;</li>
      <li>through an SSH tunnel: <code>ssh -L 9464:127.0.0.1:9464 host</code>.</li>
    </ul>
    <p>Then open <code>http://127.0.0.1:9464/console</code>, or the address of the proxy.</p>`;
  return shell(undefined, { title: 'No login in plaintext', body });
}
