import { expect } from 'chai';
import { createPlaceholderValues } from '../../../../src/domain/template/render-template.ts';
import { MASK } from '../../../../src/domain/redaction/redact.ts';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { openWebhook } from '../../../../src/engine/webhook-run/runnable-webhook.ts';
import { renderSignedRequest, type RenderDeps } from '../../../../src/engine/webhook-run/signed-request.ts';
import { agentSecrets, agentWith, webhookWith } from '../../../support/stored-agents.ts';

const deps: RenderDeps = {
  sign: () => 'v1,signature',
  signHmac: () => 'signature',
  newSpanId: () => '00f067aa0ba902b7',
  now: () => 0,
  userAgent: 'callhooks/0',
  sendTraceparent: true,
};

function render(
  requestHeaders: Record<string, string>,
  variables: JsonObject,
  {
    traceparent,
    newSpanId = deps.newSpanId,
  }: { traceparent?: string | undefined; newSpanId?: () => string } = {},
) {
  const webhook = webhookWith({ requestHeaders, requestBody: { plan: '{{plan}}' }, method: 'POST' });
  const runnable = openWebhook(agentWith(webhook, { TOKEN: 'tok-12345678' }), webhook, agentSecrets);
  const details = { callerPhone: '', metadata: {}, dynamicVariables: {} };
  const values = createPlaceholderValues({
    webhookType: 'pre_call',
    agentUuid: 'a',
    conversationUuid: 'c',
    details,
    variables,
    secrets: runnable.secrets,
  });
  return renderSignedRequest(
    { ...deps, newSpanId },
    { runnable, values, executionUuid: 'e-1', traceparent, recordBytes: 1000 },
  );
}

describe('renderSignedRequest', () => {
  it('records the request as it is sent, with its secrets masked', () => {
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

  it('masks secrets, and values of the call in sensitive headers, in a text of the endpoint', () => {
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

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const OURS = deps.newSpanId();

describe('the traceparent of a request', () => {
  for (const [title, incoming, expected] of [
    ["is our span in the caller's trace", `00-${TRACE}-${PARENT}-01`, `00-${TRACE}-${OURS}-01`],
    ['stays not sampled when the trace is not sampled', `00-${TRACE}-${PARENT}-00`, `00-${TRACE}-${OURS}-00`],
    ['keeps the flag that the trace id is random', `00-${TRACE}-${PARENT}-03`, `00-${TRACE}-${OURS}-03`],
    ['has zeros for flags that are not defined', `00-${TRACE}-${PARENT}-fd`, `00-${TRACE}-${OURS}-01`],
    ['is absent when the caller sends none', undefined, undefined],
    ['is absent when it is empty', '', undefined],
    ['is absent when the trace id is zero', `00-${'0'.repeat(32)}-${PARENT}-01`, undefined],
    ['is absent when the span id is zero', `00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
    ['is absent when the version is the forbidden one', `ff-${TRACE}-${PARENT}-01`, undefined],
    ['is absent when it has capitals', `00-${TRACE.toUpperCase()}-${PARENT}-01`, undefined],
    ['is absent when it is too short', `00-${TRACE.slice(1)}-${PARENT}-01`, undefined],
    ['is absent when version 00 has more fields', `00-${TRACE}-${PARENT}-01-more`, undefined],
    ['is absent when there are two', `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`, undefined],
    ['is absent when it has blanks around it', ` 00-${TRACE}-${PARENT}-01`, undefined],
    ['is absent when a line break follows it', `00-${TRACE}-${PARENT}-01\n`, undefined],
    // A later version may add fields. Its first four are those of version 00.
    [
      'takes the first four fields of a later version',
      `01-${TRACE}-${PARENT}-01-more`,
      `00-${TRACE}-${OURS}-01`,
    ],
    ['takes a later version that has no more fields', `cc-${TRACE}-${PARENT}-01`, `00-${TRACE}-${OURS}-01`],
    ['is absent when more follows a later version without a dash', `01-${TRACE}-${PARENT}-01x`, undefined],
  ] as const)
    it(title, () => {
      const { request, record } = render({}, { plan: 'x' }, { traceparent: incoming });
      expect(request?.headers.traceparent).to.equal(expected);
      const recorded = record?.headers.find(({ name }) => name === 'traceparent');
      expect(recorded?.value).to.equal(expected);
    });

  it('needs a span id only when a trace is continued', () => {
    const newSpanId = (): string => {
      throw new Error('a span id was made');
    };
    for (const traceparent of [undefined, '', 'no trace', `ff-${TRACE}-${PARENT}-01`])
      expect(render({}, { plan: 'x' }, { traceparent, newSpanId }).request?.headers).to.not.have.property(
        'traceparent',
      );
  });
});
