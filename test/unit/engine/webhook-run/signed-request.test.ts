import { expect } from 'chai';
import { createPlaceholderValues } from '../../../../src/domain/template/placeholder-values.ts';
import { MASK } from '../../../../src/domain/redaction/redact.ts';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { openWebhook } from '../../../../src/engine/webhook-run/runnable-webhook.ts';
import { renderSignedRequest, type RenderDeps } from '../../../../src/engine/webhook-run/signed-request.ts';
import { agentWith, keyring, webhookWith } from '../../../support/stored-agents.ts';

const deps: RenderDeps = {
  sign: () => 'v1,signature',
  newSpanId: () => '00f067aa0ba902b7',
  now: () => 0,
  userAgent: 'callhooks/0',
  sendTraceparent: true,
};

const render = (requestHeaders: Record<string, string>, variables: JsonObject) => {
  const webhook = webhookWith({ requestHeaders, requestBody: { plan: '{{plan}}' }, method: 'POST' });
  const runnable = openWebhook(agentWith(webhook, { TOKEN: 'tok-12345678' }), webhook, keyring);
  const details = { callerPhone: '', metadata: {}, dynamicVariables: {} };
  const values = createPlaceholderValues({
    webhookType: 'pre_call',
    agentUuid: 'a',
    conversationUuid: 'c',
    details,
    variables,
    secrets: runnable.secrets,
  });
  return renderSignedRequest(deps, { runnable, values, executionUuid: 'e-1', recordBytes: 1000 });
};

describe('renderSignedRequest', () => {
  it('records a request as it is sent, but for its secrets', () => {
    const { request, record } = render(
      { Authorization: 'Bearer {{secret.TOKEN}}', Accept: '*/*' },
      { plan: 'x' },
    );
    const { authorization, ...others } = request?.headers ?? {};
    expect(authorization).to.equal('Bearer tok-12345678');
    expect(request?.body?.toString()).to.equal('{"plan":"x"}');
    expect(record).to.deep.include({ body: '{"plan":"x"}', bodyBytes: 12, truncated: false });
    const recorded = Object.fromEntries((record?.headers ?? []).map(({ name, value }) => [name, value]));
    expect(recorded).to.deep.equal({ ...others, authorization: MASK });
    expect(Object.keys(recorded)).to.deep.equal(Object.keys(request?.headers ?? {}));
  });

  it('masks what an endpoint echoes of the secrets, and of headers that hide what a call brings', () => {
    const { mask } = render(
      { Authorization: 'Bearer {{secret.TOKEN}}', 'X-Api-Key': '{{plan}}' },
      { plan: 'k-of-this-call' },
    );
    expect(mask('tok-12345678 and k-of-this-call')).to.equal(`${MASK} and ${MASK}`);
  });

  it('masks the values of a call in the texts of that call only', () => {
    const headers = { 'X-Api-Key': '{{plan}}' };
    const masks = ['k-of-one-call', 'k-of-another'].map((plan) => render(headers, { plan }).mask);
    expect(masks.map((mask) => mask('k-of-one-call'))).to.deep.equal([MASK, 'k-of-one-call']);
  });

  it('masks a literal value of a sensitive header', () => {
    const { mask } = render({ 'X-Api-Key': 'literal-key' }, { plan: 'x' });
    expect(mask('literal-key')).to.equal(MASK);
  });
});
