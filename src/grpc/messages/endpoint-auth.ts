import type { AuthMethod, EndpointAuth } from '../../domain/auth/endpoint-auth.ts';
import type { HmacSignature } from '../../domain/auth/hmac-signature.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { CLIENT_AUTH_METHODS, ENCODINGS, HASH_ALGORITHMS, numberOf } from './wire-values.ts';

/** Returns how callhooks proves who calls, for clients. Sealed texts are masked. */
export function endpointAuthMessage({ method, clientCertificate }: EndpointAuth): pb.EndpointAuth {
  return {
    method: method && methodMessage(method),
    clientCertificate: clientCertificate && { ...clientCertificate },
  };
}

function methodMessage(method: AuthMethod): NonNullable<pb.EndpointAuth['method']> {
  switch (method.kind) {
    case 'basic':
      return { $case: 'basic', value: { username: method.username, password: method.password } };
    case 'bearer':
      return { $case: 'bearer', value: { token: method.token } };
    case 'oauth2': {
      const { kind: _, scopes, clientAuthMethod, ...texts } = method;
      const number = numberOf(CLIENT_AUTH_METHODS, clientAuthMethod);
      return { $case: 'oauth2', value: { ...texts, scopes: [...scopes], clientAuthMethod: number } };
    }
  }
}

/** Returns an HMAC signature for clients, with its defaults. */
export function hmacMessage(signature: HmacSignature): pb.HmacSignature {
  return {
    secretName: signature.secretName,
    header: signature.header,
    hashAlgorithm: numberOf(HASH_ALGORITHMS, signature.hashAlgorithm),
    encoding: numberOf(ENCODINGS, signature.encoding),
    signedPayload: signature.signedPayload,
    headerValue: signature.headerValue,
  };
}
