import { createCountedLines } from '../../logging/counted-lines.ts';
import type { Logger } from '../../logger.ts';

/** Writes down who comes and goes. */
export interface LoginLog {
  loggedIn(caller: string, peer: string): void;
  loggedOut(caller: string, peer: string): void;
  /** Counts a login with a wrong token. */
  failed(peer: string): void;
  /** Counts a login that came too soon after others. */
  limited(peer: string): void;
}

/** Makes the log. `onUnknownToken` is called for each login with a wrong token, for the metrics. */
export function createLoginLog(logger: Logger, onUnknownToken: () => void): LoginLog {
  const lines = createCountedLines<'failed' | 'limited'>((kind, count, fields) => {
    if (kind === 'limited') return logger.warn({ count, ...fields }, 'logins to the console are limited');
    const line = { count, code: 'UNAUTHENTICATED', reason: 'UNAUTHENTICATED', refusal: 'unknown_token' };
    return logger.warn({ ...line, rpc: 'console/login', ...fields }, 'access refused');
  });
  const audit = (action: string, caller: string, peer: string): void =>
    logger.info({ action, caller, peer }, 'audit');
  return {
    loggedIn: (caller, peer) => audit('ConsoleLogin', caller, peer),
    loggedOut: (caller, peer) => audit('ConsoleLogout', caller, peer),
    failed: (peer) => {
      lines.count('failed', () => ({ peer }));
      onUnknownToken();
    },
    limited: (peer) => lines.count('limited', () => ({ peer })),
  };
}
