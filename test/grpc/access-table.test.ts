import { readFileSync } from 'node:fs';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { ROLES } from '../../src/access/roles.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { engines } from '../support/engines.ts';
import { TOKEN_SETTINGS, TOKENS } from '../support/tokens.ts';

const file = new URL('../../src/access/authorization.json', import.meta.url);
const TABLE = JSON.parse(readFileSync(file, 'utf8')) as Record<string, readonly string[]>;
const STREAMS = /ServerReflectionInfo|Watch/;
const asBytes = (bytes: Buffer): Buffer => bytes;

/** Calls a method with an empty message. Returns its status, or OK when a stream answers. */
function statusOf(client: Client, method: string, token: string | undefined): Promise<string> {
  const headers = new Metadata();
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const options = { deadline: Date.now() + 10_000 };
  const message = Buffer.alloc(0);
  return new Promise((resolve) => {
    const onEnd = (code = status.OK) => resolve(status[code]);
    const target = [`/${method}`, asBytes, asBytes] as const;
    if (!STREAMS.test(method)) {
      client.makeUnaryRequest(...target, message, headers, options, (error) => onEnd(error?.code));
      return;
    }
    const call = client.makeBidiStreamRequest(...target, headers, options);
    call.on('data', () => {
      onEnd();
      call.cancel();
    });
    call.on('error', ({ code }: { code: status }) => onEnd(code));
    call.write(message);
    call.end();
  });
}

describe('who may call what', function () {
  this.timeout(20_000);
  let app: TestApp;
  let client: Client;

  before(async () => {
    const [sqlite] = engines();
    app = await startTestApp(sqlite!, TOKEN_SETTINGS);
    client = new Client(`127.0.0.1:${app.port}`, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await app.close();
  });

  for (const [method, roles] of Object.entries(TABLE)) {
    const isOpen = roles.includes('anyone');
    for (const role of ROLES) {
      const isAllowed = isOpen || roles.includes(role);
      it(`${isAllowed ? 'lets' : 'does not let'} ${role} call ${method}`, async () => {
        const code = await statusOf(client, method, TOKENS[role]);
        if (isAllowed) expect(code).to.be.oneOf(['OK', 'INVALID_ARGUMENT']);
        else expect(code).to.equal('PERMISSION_DENIED');
      });
    }

    for (const [who, token] of [
      ['without a token', undefined],
      ['with a wrong token', 'token-of-nobody'],
    ] as const) {
      it(`${isOpen ? 'answers' : 'refuses'} ${method} ${who}`, async () => {
        expect(await statusOf(client, method, token)).to.equal(isOpen ? 'OK' : 'UNAUTHENTICATED');
      });
    }
  }

  it('tells a stranger nothing about which methods there are', async () => {
    for (const method of ['callhooks.v1.AgentAdmin/NoSuchMethod', 'no.such.Service/Method'])
      expect(await statusOf(client, method, undefined)).to.equal('UNAUTHENTICATED');
    expect(await statusOf(client, 'callhooks.v1.AgentAdmin/NoSuchMethod', TOKENS.admin)).to.equal(
      'UNIMPLEMENTED',
    );
  });
});
