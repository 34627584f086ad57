import type { SecureContext } from 'node:tls';
import type { ClientIdentity } from '../http-client.ts';
import { createClientContext } from './tls-context.ts';

// With CALLHOOKS_CA_FILE a context has its own list of authorities, of more than 1 MiB.
const MAX_KEPT = 64;

/** Makes the function that returns the TLS settings with a client certificate, and keeps those that were made last. */
export function createClientContexts(
  extraCa: string | undefined,
): (identity: ClientIdentity) => SecureContext {
  const kept = new Map<ClientIdentity, SecureContext>();
  return (identity) => {
    const known = kept.get(identity);
    if (known !== undefined) return known;
    const made = createClientContext(identity, extraCa);
    kept.set(identity, made);
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break;
      kept.delete(oldest);
    }
    return made;
  };
}
