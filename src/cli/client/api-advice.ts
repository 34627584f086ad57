import type { Refusal } from './api-error.ts';
import type { ConnectionSettings } from './connection-settings.ts';

type Advise = (reason: string, settings: ConnectionSettings) => string | undefined;

// Where callhooks itself refuses (it gives a reason), its message says what to do.
const ADVICE: Partial<Record<Refusal['status'], Advise>> = {
  UNAVAILABLE: (reason, { address, tls }) => {
    if (reason !== '') return undefined;
    return tls === undefined
      ? `Does callhooks serve plaintext on ${address}? --address names another server, and --tls uses TLS.`
      : `Does callhooks serve TLS on ${address}? --address names another server, --ca-file the authority of its certificate.`;
  },
  UNAUTHENTICATED: (_reason, { token }) =>
    token === undefined
      ? 'CALLHOOKS_TOKEN or CALLHOOKS_TOKEN_FILE gives the token.'
      : 'The server does not know this token: CALLHOOKS_AUTH_TOKENS of the server needs its entry.',
  PERMISSION_DENIED: () => '"callhooks token" makes a token with another role.',
  DEADLINE_EXCEEDED: (reason, { timeoutMs }) =>
    reason === ''
      ? `There was no answer within ${timeoutMs / 1000} s. --timeout gives it longer.`
      : undefined,
  UNIMPLEMENTED: (_reason, { address }) =>
    `${address} serves no such RPC: it is an older callhooks, a health port, or another program.`,
};

/** Returns what people can do about a refusal, in whole sentences. */
export function adviceFor(
  { status, reason, retryAfterMs }: Pick<Refusal, 'status' | 'reason' | 'retryAfterMs'>,
  settings: ConnectionSettings,
): string[] {
  if (retryAfterMs !== undefined) return [`Try again in ${Math.max(1, Math.round(retryAfterMs / 1000))} s.`];
  const advice = ADVICE[status]?.(reason, settings);
  return advice === undefined ? [] : [advice];
}
