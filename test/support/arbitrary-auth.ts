import fc from 'fast-check';
import type { AuthMethod, EndpointAuth } from '../../src/domain/auth/endpoint-auth.ts';
import type { HmacSignatureDraft } from '../../src/domain/auth/hmac-signature.ts';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import type { Partially } from './rpc.ts';

/** Returns how callhooks proves who calls, as a draft of a webhook has it. `text` generates templates, `name` secrets. */
export function anyAuthDraft(text: fc.Arbitrary<string>, name: fc.Arbitrary<string>) {
  return fc.record<EndpointAuth>({
    method: fc.option(anyMethod(text), { nil: undefined }),
    clientCertificate: fc.option(fc.record({ certificateSecretName: name, privateKeySecretName: name }), {
      nil: undefined,
      freq: 1,
    }),
  });
}

function anyMethod(text: fc.Arbitrary<string>): fc.Arbitrary<AuthMethod> {
  return fc.oneof(
    fc.record({ kind: fc.constant('basic' as const), username: text, password: text }),
    fc.record({ kind: fc.constant('bearer' as const), token: text }),
    fc.record({
      kind: fc.constant('oauth2' as const),
      tokenUrl: fc.oneof(fc.constant('https://login.example.com/token'), text),
      clientId: text,
      clientSecret: text,
      scopes: fc.array(text, { maxLength: 2 }),
      audience: text,
      clientAuthMethod: fc.constantFrom('basic', 'post', 'unknown'),
    }),
  );
}

const markedText = (text: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.constantFrom(
      '',
      '{body}',
      '{signature}',
      't={timestamp},v1={signature}',
      '{execution_uuid}',
      '{',
      '{{v}}',
    ),
    text,
  );

/** Returns an HMAC signature as a draft of a webhook has it. */
export function anyHmacDraft(
  text: fc.Arbitrary<string>,
  name: fc.Arbitrary<string>,
): fc.Arbitrary<HmacSignatureDraft> {
  return fc.record({
    secretName: name,
    header: fc.oneof(fc.constantFrom('X-Signature', 'x-a', 'Authorization', 'Host'), text),
    hashAlgorithm: fc.constantFrom('sha256', 'sha1', 'sha512', 'unspecified', 'unknown'),
    encoding: fc.constantFrom('hex', 'base64', 'unspecified', 'unknown'),
    signedPayload: markedText(text),
    headerValue: markedText(text),
  });
}

/** Returns the same as {@link anyAuthDraft}, as a request has it. */
export function anyAuth(
  text: fc.Arbitrary<string>,
  name: fc.Arbitrary<string>,
): fc.Arbitrary<Partially<pb.EndpointAuth>> {
  const basic = fc.record({ username: text, password: text }, { requiredKeys: [] });
  const bearer = fc.record({ token: text }, { requiredKeys: [] });
  const certificate = fc.record({ certificateSecretName: name, privateKeySecretName: name });
  return fc.oneof(
    basic.map((value): Partially<pb.EndpointAuth> => ({ method: { $case: 'basic', value } })),
    bearer.map((value): Partially<pb.EndpointAuth> => ({ method: { $case: 'bearer', value } })),
    fc.record({ clientCertificate: certificate }, { requiredKeys: [] }),
  );
}

/** Returns the same as {@link anyHmacDraft}, as a request has it. */
export function anyHmac(
  text: fc.Arbitrary<string>,
  name: fc.Arbitrary<string>,
): fc.Arbitrary<Partially<pb.HmacSignature>> {
  return fc.record(
    {
      secretName: name,
      header: fc.oneof(fc.constantFrom('X-Signature', 'x-plan', 'Host'), text),
      hashAlgorithm: fc.integer({ min: 0, max: 4 }) as fc.Arbitrary<pb.HashAlgorithm>,
      encoding: fc.integer({ min: 0, max: 3 }) as fc.Arbitrary<pb.Encoding>,
      signedPayload: markedText(text),
      headerValue: markedText(text),
    },
    { requiredKeys: ['secretName', 'header'] },
  );
}
