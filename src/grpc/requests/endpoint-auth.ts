import type { AuthMethod, EndpointAuth, OAuth2Auth } from '../../domain/auth/endpoint-auth.ts';
import type { HmacSignatureDraft } from '../../domain/auth/hmac-signature.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { CLIENT_AUTH_METHODS, draftWordOf, ENCODINGS, HASH_ALGORITHMS } from '../messages/wire-values.ts';

/** Returns how callhooks proves who calls, as the request says it. It is not checked. */
export function toEndpointAuth({ method, clientCertificate }: pb.EndpointAuth): EndpointAuth {
  return {
    ...(method === undefined ? {} : { method: toMethod(method) }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
  };
}

function toMethod(method: NonNullable<pb.EndpointAuth['method']>): AuthMethod {
  switch (method.$case) {
    case 'basic':
      return { kind: 'basic', username: method.value.username, password: method.value.password };
    case 'bearer':
      return { kind: 'bearer', token: method.value.token };
    case 'oauth2':
      return {
        kind: 'oauth2',
        ...method.value,
        clientAuthMethod: toClientAuthMethod(method.value.clientAuthMethod),
      };
  }
}

function toClientAuthMethod(number: pb.ClientAuthMethod): OAuth2Auth['clientAuthMethod'] {
  const word = draftWordOf(CLIENT_AUTH_METHODS, number);
  return word === 'unspecified' ? 'basic' : word;
}

/** Returns an HMAC signature as a draft, without checking it. */
export function toHmacDraft(message: pb.HmacSignature): HmacSignatureDraft {
  return {
    secretName: message.secretName,
    header: message.header,
    hashAlgorithm: draftWordOf(HASH_ALGORITHMS, message.hashAlgorithm),
    encoding: draftWordOf(ENCODINGS, message.encoding),
    signedPayload: message.signedPayload,
    headerValue: message.headerValue,
  };
}
