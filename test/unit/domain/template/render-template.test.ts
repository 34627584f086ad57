import { expect } from 'chai';
import { createPlaceholderValues, type CallValues } from '../../../../src/domain/template/render-template.ts';
import { parseTemplate, type Placeholder } from '../../../../src/domain/template/template.ts';

const valuesOf = (call: Partial<CallValues>) =>
  createPlaceholderValues({
    webhookType: 'post_call',
    agentUuid: 'a-1',
    conversationUuid: 'c-1',
    details: { callerPhone: '', metadata: {}, dynamicVariables: {} },
    variables: {},
    secrets: {},
    ...call,
  });

describe('createPlaceholderValues', () => {
  const placeholder = (path: string): Placeholder => {
    const parsed = parseTemplate(`{{${path}}}`, { escapes: true });
    if (!parsed.ok || typeof parsed.template[0] !== 'object') throw new Error(path);
    return parsed.template[0];
  };
  const details = {
    callerPhone: '+1',
    metadata: { a: [null] },
    dynamicVariables: {},
    callDurationSecs: 1.5,
    callSummary: 'sum',
  };
  const found: [path: string, value: unknown, secret: boolean][] = [
    ['agent_uuid', 'a-1', false],
    ['conversation_uuid', 'c-1', false],
    ['caller_phone', '+1', false],
    ['call_duration', 1.5, false],
    ['call_summary', 'sum', false],
    ['metadata', { a: [null] }, false],
    ['metadata.a.0', null, false],
    ['v.k', 1, false],
    ['secret.S', 's3cr3t', true],
  ];
  const values = valuesOf({ variables: { v: { k: 1 } }, details, secrets: { S: 's3cr3t' } });
  for (const [path, value, secret] of found) {
    it(`resolves ${path}`, () =>
      expect(values.resolve(placeholder(path))).to.deep.equal({ found: true, value, secret }));
  }

  for (const path of [
    'caller_phone.0',
    'metadata.b',
    'v.z',
    'z',
    'toString',
    'secret',
    'secret.T',
    'secret.S.x',
    'secret.toString',
  ]) {
    it(`counts ${path} as missing`, () =>
      expect(values.resolve(placeholder(path))).to.include({ found: false, value: null }));
  }

  it('counts duration and summary as missing for a pre-call', () => {
    const before = valuesOf({ details, webhookType: 'pre_call' });
    for (const path of ['call_duration', 'call_summary'])
      expect(before.resolve(placeholder(path)).found).to.equal(false);
  });
});
