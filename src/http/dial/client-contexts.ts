import type { SecureContext } from 'node:tls';
import { errorCode } from '../../errors.ts';
import type { ClientIdentity } from '../http-client.ts';
import { createClientContext } from './tls-context.ts';

/** The TLS settings with a client certificate, or why OpenSSL does not take one that was saved once. */
type ClientContext = SecureContext | { readonly problem: string };

// With CALLHOOKS_CA_FILE a context has its own list of authorities, of more than 1 MiB.
const MAX_KEPT = 64;

/** Makes the function that returns the TLS settings with a client certificate, and keeps those that were used last. */
export function createClientContexts(
  extraCa: string | undefined,
): (identity: ClientIdentity) => ClientContext {
  const kept = new Map<ClientIdentity, ClientContext>();
  return (identity) => {
    const context = kept.get(identity) ?? tryContext(identity, extraCa);
    kept.delete(identity);
    kept.set(identity, context);
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_KEPT) break;
      kept.delete(oldest);
    }
    return context;
  };
}

function tryContext(identity: ClientIdentity, extraCa: string | undefined): ClientContext {
  try {
    return createClientContext(identity, extraCa);
  } catch (error) {
    return { problem: `the client certificate can't be used (${errorCode(error) ?? 'unknown error'})` };
  }
}
