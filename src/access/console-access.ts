import type { ApiToken } from './api-tokens.ts';

/** Who may see the console, and how they have to come. */
export interface ConsoleAccess {
  /** Everybody may do everything when they are undefined. */
  readonly tokens: readonly ApiToken[] | undefined;
  /** Requests have to name this machine as `localhost` or by a loopback address. Names of others may lead here by DNS. */
  readonly namesLoopbackOnly: boolean;
  /** A token may come over plain HTTP from another machine. */
  readonly allowsPlaintext: boolean;
}

/** The settings that decide. */
export interface ConsoleSettings {
  readonly console: boolean;
  readonly apiTokens: readonly ApiToken[] | undefined;
  readonly opsListen: { readonly isLoopback: boolean } | undefined;
  readonly auth: 'none' | undefined;
  readonly insecure: boolean;
}

/** Returns the access that the settings give, or undefined when there is no console: pages show what calls were about. */
export function consoleAccessOf(settings: ConsoleSettings): ConsoleAccess | undefined {
  const { console, apiTokens: tokens, opsListen, auth, insecure: allowsPlaintext } = settings;
  if (!console || opsListen === undefined) return undefined;
  if (tokens !== undefined) return { tokens, namesLoopbackOnly: false, allowsPlaintext };
  if (!opsListen.isLoopback && auth !== 'none') return undefined;
  return { tokens, namesLoopbackOnly: opsListen.isLoopback, allowsPlaintext };
}

/** Returns the address of the console for a browser on this machine, by the address that its port is bound to. */
export function consoleUrl(opsAddress: string): string {
  return `http://${opsAddress.replace(/^(0\.0\.0\.0|\[::\]):/, '127.0.0.1:')}/console`;
}
