import { consoleAccessOf } from '../access/console-access.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../logger.ts';

/** What other machines can do, and what a name may lead to. */
export interface Openness {
  /** They reach gRPC in plaintext. */
  readonly isInsecure: boolean;
  /** They can call every RPC without a token. */
  readonly isWithoutTokens: boolean;
  /** Requests go where the proxy resolves names to, and callhooks checks no address of a name. */
  readonly isResolvedByProxy: boolean;
}

type Settings = Pick<Config, 'listen' | 'tls' | 'apiTokens' | 'egressProxyResolves'>;

/** Returns what these settings leave open. */
export function opennessOf({ listen, tls, apiTokens, egressProxyResolves }: Settings): Openness {
  const isReached = !listen.isLoopback;
  return {
    isInsecure: isReached && tls === undefined,
    isWithoutTokens: isReached && apiTokens === undefined,
    isResolvedByProxy: egressProxyResolves,
  };
}

type ConsoleSettings = Parameters<typeof consoleAccessOf>[0] & Pick<Config, 'opsListen'>;

/** Logs a warning for everything that these settings leave open. */
export function warnIfOpen(settings: Settings & ConsoleSettings, logger: Logger): void {
  const { isInsecure, isWithoutTokens, isResolvedByProxy } = opennessOf(settings);
  const { address } = settings.listen;
  warnOfConsole(settings, logger);
  if (isInsecure) logger.warn({ address }, 'gRPC is served to other machines in plaintext');
  if (isWithoutTokens) logger.warn({ address }, 'gRPC is served to other machines without tokens');
  if (isResolvedByProxy)
    logger.warn(
      { setting: 'CALLHOOKS_EGRESS_PROXY_RESOLVES' },
      'the proxy resolves names: callhooks does not check the addresses that webhooks reach, so the proxy has to',
    );
}

// On loopback only programs of this machine reach the port.
function warnOfConsole(settings: ConsoleSettings, logger: Logger): void {
  const { opsListen } = settings;
  const access = consoleAccessOf(settings);
  if (access === undefined || opsListen === undefined || opsListen.isLoopback) return;
  const { address } = opsListen;
  if (access.tokens === undefined)
    logger.warn({ address }, 'the console is served to other machines without tokens');
  else if (access.allowsPlaintext)
    logger.warn({ address }, 'the console takes tokens from other machines in plaintext');
}

/** Logs a warning if the environment names a proxy for other programs, and no setting names one for callhooks. */
export function warnOfIgnoredProxy(
  { egressProxy, ignoredProxyVariables: ignored }: Pick<Config, 'egressProxy' | 'ignoredProxyVariables'>,
  logger: Logger,
): void {
  if (egressProxy !== undefined || ignored.length === 0) return;
  logger.warn(
    { ignored },
    'proxies of the environment are ignored: CALLHOOKS_EGRESS_PROXY names a proxy for webhooks',
  );
}
