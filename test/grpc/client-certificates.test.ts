import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import type * as pb from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, type CallAgent } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { startRawServer, type RawServer } from '../support/raw-server.ts';
import { errorOf, type Partially } from '../support/rpc.ts';
import { configOf } from '../support/samples.ts';

const CERTS = new URL('../support/certs/', import.meta.url);
const FIELD = 'webhook_config.api_schema.auth.client_certificate';

function pem(name: string): string {
  return readFileSync(new URL(name, CERTS), 'utf8').trimEnd();
}

const SECRETS = { CERT: pem('client.pem'), KEY: pem('client.key'), OTHER: 'other' };
const PAIR = { certificateSecretName: 'CERT', privateKeySecretName: 'KEY' };

describeEachEngine('client_certificate', (engine) => {
  let app: TestApp;
  let server: RawServer;
  /** The name of the certificate on the connection of the last request. */
  let shownLast: unknown;
  before(async () => {
    app = await startTestApp(engine, {
      CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8',
      CALLHOOKS_CA_FILE: new URL('ca.pem', CERTS).pathname,
    });
    const answer = (socket: Socket) => {
      shownLast = (socket as TLSSocket).getPeerCertificate().subject?.CN;
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    };
    server = await startRawServer(answer, {
      tls: {
        cert: pem('endpoint.pem'),
        key: pem('endpoint.key'),
        requestCert: true,
        // The test looks at what was shown. test/http/client-certificates.test.ts has servers that refuse.
        rejectUnauthorized: false,
      },
    });
  });
  after(async () => {
    await app.close();
    await server.close();
  });

  const configWith = (auth: Partially<pb.EndpointAuth>, url = `${server.url}/a`) => configOf({ url, auth });
  const make = (auth: Partially<pb.EndpointAuth> = { clientCertificate: PAIR }, url?: string) =>
    makeAgent(app.rpc, { secrets: SECRETS, pre: configWith(auth, url) });
  const setSecrets = ({ agentUuid }: CallAgent, secrets: Record<string, string>) =>
    app.rpc.agents.updateAgent({ agent: { agentUuid }, secrets });
  const call = async (agent: CallAgent) => {
    const { execution } = await app.rpc.calls.onCallStart(newCall(agent));
    expect(execution?.failure, execution?.failure?.message).to.equal(undefined);
  };

  it('is shown in the handshake, beside a bearer token, and names of secrets are all that is read', async () => {
    const method = { $case: 'bearer', value: { token: '{{secret.OTHER}}' } } as const;
    const agent = await make({ method, clientCertificate: PAIR });
    await call(agent);
    expect(shownLast).to.equal('client');
    expect(server.connections.at(-1)?.received()).to.contain('authorization: Bearer other');
    expect(agent.pre?.webhookConfig?.apiSchema?.auth).to.deep.equal({ method, clientCertificate: PAIR });
  });

  it('is the new one at the next call after its secrets have changed', async () => {
    const agent = await make();
    await call(agent);
    await setSecrets(agent, { CERT: pem('self-signed.pem'), KEY: pem('self-signed.key') });
    await call(agent);
    expect(shownLast).to.equal('self-signed');
  });

  it('is shown by a test of a configuration that has it, and not by one of the stored configuration without it', async () => {
    const { pre } = await make({ method: { $case: 'bearer', value: { token: 'x' } } });
    const webhookUuid = pre?.webhookUuid ?? '';
    const webhookConfig = configWith({ clientCertificate: PAIR });
    const given = await app.rpc.webhooks.testWebhook({ webhookUuid, webhookConfig, send: true });
    expect(given.failure?.message).to.equal(undefined);
    expect(shownLast).to.equal('client');
    const stored = await app.rpc.webhooks.testWebhook({ webhookUuid, send: true });
    expect(stored.failure?.message).to.equal(undefined);
    expect(shownLast).to.equal(undefined);
  });

  it('is not shared with a webhook that has none', async () => {
    await call(await make());
    await call(await makeAgent(app.rpc, { pre: configOf({ url: `${server.url}/a` }) }));
    expect(shownLast).to.equal(undefined);
  });

  const refused: [title: string, Partially<pb.ClientCertificate>, fields: string[], description: RegExp][] = [
    ['no names', {}, [`${FIELD}.certificate_secret_name`, `${FIELD}.private_key_secret_name`], /is required/],
    [
      'unknown secrets',
      { certificateSecretName: 'NO', privateKeySecretName: 'NONE' },
      [`${FIELD}.certificate_secret_name`, `${FIELD}.private_key_secret_name`],
      /must be the name of a secret/,
    ],
    [
      'a secret that is no certificate',
      { ...PAIR, certificateSecretName: 'OTHER' },
      [`${FIELD}.certificate_secret_name`],
      /the secret must hold a certificate as PEM/,
    ],
    [
      'a key that does not fit',
      { ...PAIR, privateKeySecretName: 'WRONG' },
      [`${FIELD}.private_key_secret_name`],
      /does not fit the certificate/,
    ],
  ];
  for (const [title, clientCertificate, fields, description] of refused)
    it(`is refused with ${title}, when the webhook is saved and when it is tested`, async () => {
      const { pre, agentUuid } = await make();
      const webhookConfig = configWith({ clientCertificate });
      await app.rpc.agents.updateAgent({ agent: { agentUuid }, secrets: { WRONG: pem('endpoint.key') } });
      const { webhookUuid = '' } = pre ?? {};
      const webhook = { webhookUuid, webhookConfig };
      const saved = await errorOf(
        app.rpc.webhooks.updateWebhook({ webhook, updateMask: ['webhook_config.api_schema.auth'] }),
      );
      expect(saved.fields).to.deep.equal(fields.map((field) => `webhook.${field}`));
      expect(saved.violations[0]?.description).to.match(description);
      const tested = await errorOf(app.rpc.webhooks.testWebhook({ webhookUuid, webhookConfig }));
      expect(tested.fields).to.deep.equal(fields);
    });

  it('is refused for an http URL, also when only the URL is changed', async () => {
    const created = await errorOf(make({ clientCertificate: PAIR }, 'http://127.0.0.1:1/'));
    expect(created.fields).to.deep.equal([`agent.webhooks[0].${FIELD}`]);
    const { pre } = await make();
    const webhook = {
      webhookUuid: pre?.webhookUuid ?? '',
      webhookConfig: configOf({ url: 'http://127.0.0.1:1/' }),
    };
    const updateMask = ['webhook_config.api_schema.url'];
    const changed = await errorOf(app.rpc.webhooks.updateWebhook({ webhook, updateMask }));
    expect(changed.fields).to.deep.equal([`webhook.${FIELD}`]);
  });

  const wrongSecrets: [title: string, Record<string, string>, field: string, description: RegExp][] = [
    ['another key alone', { KEY: pem('endpoint.key') }, 'secrets[KEY]', /does not fit/],
    ['another certificate alone', { CERT: pem('endpoint.pem') }, 'secrets[CERT]', /does not fit/],
    ['a text that is no certificate', { CERT: 'x' }, 'secrets[CERT]', /must hold a certificate as PEM/],
  ];
  for (const [title, secrets, field, description] of wrongSecrets)
    it(`refuses ${title} when a secret is saved, and goes on with the stored pair`, async () => {
      const agent = await make();
      const error = await errorOf(setSecrets(agent, secrets));
      expect(error.fields).to.deep.equal([field]);
      expect(error.violations[0]?.description).to.match(description);
      await call(agent);
    });

  it('refuses to remove its secrets', async () => {
    const { agentUuid } = await make();
    const removal = { agent: { agentUuid }, removeSecrets: ['CERT', 'KEY'] };
    const error = await errorOf(app.rpc.agents.updateAgent(removal));
    expect(error.reason).to.equal('SECRET_IN_USE');
    expect(error.message).to.contain(`"CERT": ${FIELD}.certificate_secret_name uses it`);
  });

  it('uses a certificate and a key of one secret', async () => {
    const agent = await makeAgent(app.rpc, {
      secrets: { BOTH: `${SECRETS.KEY}\n${SECRETS.CERT}\n${pem('client-ca.pem')}` },
      pre: configWith({ clientCertificate: { certificateSecretName: 'BOTH', privateKeySecretName: 'BOTH' } }),
    });
    await call(agent);
    expect(shownLast).to.equal('client');
  });
});
