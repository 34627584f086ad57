import type { Config } from '../config/config.ts';
import type { Logger } from '../logger.ts';

/** What other machines can do. */
export interface Openness {
  /** They reach gRPC in plaintext. */
  readonly isInsecure: boolean;
  /** They can call every RPC without a token. */
  readonly isWithoutTokens: boolean;
}

type Settings = Pick<Config, 'listen' | 'tls' | 'apiTokens'>;

/** Returns what other machines can do under these settings. */
export function opennessOf({ listen, tls, apiTokens }: Settings): Openness {
  const isReached = !listen.isLoopback;
  return {
    isInsecure: isReached && tls === undefined,
    isWithoutTokens: isReached && apiTokens === undefined,
  };
}

/** Logs a warning for everything that other machines can do. */
export function warnIfOpen(settings: Settings, logger: Logger): void {
  const { isInsecure, isWithoutTokens } = opennessOf(settings);
  const { address } = settings.listen;
  if (isInsecure) logger.warn({ address }, 'gRPC is served to other machines in plaintext');
  if (isWithoutTokens) logger.warn({ address }, 'gRPC is served to other machines without tokens');
}
