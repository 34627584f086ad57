import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';
import { startBuiltServer, type BuiltServer } from './built-server.ts';
import { createGrpcurl } from './grpcurl.ts';
import { describeWith } from './tools.ts';

const certFile = (name: string) => fileURLToPath(new URL(`../support/certs/${name}`, import.meta.url));
const CA = ['-cacert', certFile('ca.pem')];
const CERTIFICATE = ['-cert', certFile('client.pem'), '-key', certFile('client.key')];
const token = (text: string) => ['-H', `authorization: Bearer ${text}`];

describeWith(['grpcurl'], 'grpcurl, over mutual TLS with tokens', function () {
  this.timeout(60_000);
  let server: BuiltServer;
  before(async () => {
    server = await startBuiltServer({
      ...TOKEN_SETTINGS,
      CALLHOOKS_TLS_CERT_FILE: certFile('endpoint.pem'),
      CALLHOOKS_TLS_KEY_FILE: certFile('endpoint.key'),
      CALLHOOKS_TLS_CLIENT_CA_FILE: certFile('client-ca.pem'),
    });
  });
  after(() => server.stop());

  it('lists the services and reads agents with a token of viewer', async () => {
    const grpcurl = createGrpcurl(server.address, [...CA, ...CERTIFICATE, ...token(TOKENS.viewer)]);
    expect(await grpcurl.list()).to.include('callhooks.v1.AgentAdmin');
    expect(await grpcurl.call('AgentAdmin/ListAgents', {})).to.deep.equal({});
  });

  it('makes an agent with a token of admin', async () => {
    const grpcurl = createGrpcurl(server.address, [...CA, ...CERTIFICATE, ...token(TOKENS.admin)]);
    expect(await grpcurl.call('AgentAdmin/CreateAgent', { agent: {} })).to.have.property('agent');
  });

  it('asks for the health without a token, and for nothing else', async () => {
    const grpcurl = createGrpcurl(server.address, [...CA, ...CERTIFICATE]);
    const flags = [
      '-import-path',
      certFile('../../../node_modules/grpc-health-check/proto'),
      '-proto',
      'health/v1/health.proto',
    ];
    const health = createGrpcurl(server.address, [...CA, ...CERTIFICATE, ...flags]);
    expect(await health.call('grpc.health.v1.Health/Check', {})).to.deep.equal({ status: 'SERVING' });
    expect(await grpcurl.fail('AgentAdmin/ListAgents', {})).to.contain('a token is needed');
  });

  const refused: [title: string, flags: string[], says: RegExp][] = [
    ['a wrong token', [...CA, ...CERTIFICATE, ...token('wrong')], /no valid token/],
    [
      'no client certificate',
      [...CA, ...token(TOKENS.admin)],
      /certificate required|broken pipe|connection reset|EOF/,
    ],
    ['no authority to trust', [...CERTIFICATE, ...token(TOKENS.admin)], /unknown authority/],
    ['plaintext', ['-plaintext', ...token(TOKENS.admin)], /deadline exceeded|EOF|reset/],
  ];
  for (const [title, flags, says] of refused) {
    it(`is refused with ${title}`, async () => {
      const grpcurl = createGrpcurl(server.address, ['-connect-timeout', '3', ...flags]);
      expect(await grpcurl.fail('AgentAdmin/ListAgents', {})).to.match(says);
    });
  }

  it('is told the reason when the role is too small', async () => {
    const grpcurl = createGrpcurl(server.address, [...CA, ...CERTIFICATE, ...token(TOKENS.viewer)]);
    const text = await grpcurl.fail('AgentAdmin/CreateAgent', { agent: {} });
    expect(text)
      .to.match(/Code: PermissionDenied/)
      .and.match(/"reason": "ROLE_NOT_ALLOWED"/);
  });
});
