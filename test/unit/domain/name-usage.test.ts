import { expect } from 'chai';
import type { WebhookConfig } from '../../../src/domain/agent.ts';
import {
  secretUsers,
  usedSecretNames,
  variableUsers,
  type NameUsage,
} from '../../../src/domain/name-usage.ts';

const config: WebhookConfig = {
  apiSchema: {
    url: 'https://api.example.com/{{plan.name}}?k={{secret.CRM}}',
    method: 'POST',
    requestHeaders: {
      'X-Plan': '{{plan}}',
      'X-Text': '\\{{plan}}',
      Authorization: 'Bearer {{secret.TOKEN}}',
    },
    requestBody: { a: [{ 'b c': 'the {{plan}}' }, '{{planet}}'], plan: 'plan' },
  },
  assignments: [
    { attributeName: 'a', dynamicVariable: 'planet', required: false },
    { attributeName: 'plan', dynamicVariable: 'plan', required: false },
  ],
  responseTimeoutSecs: 10,
  failurePolicy: 'proceed',
  signingSecretNames: ['SIGN', 'CRM'],
};

function fields(uses: readonly NameUsage[]): string[] {
  return uses.map(({ name, field }) => `${name}: ${field}`);
}

describe('variableUsers', () => {
  it('returns every place that uses the name, and no other', () => {
    expect(fields(variableUsers(config, ['plan']))).to.deep.equal([
      'plan: api_schema.url',
      'plan: api_schema.request_headers[X-Plan]',
      'plan: api_schema.request_body.a[0]["b c"]',
      'plan: assignments[1]',
    ]);
  });

  it('returns the places of each name in the order of the names, and each place once', () => {
    const requestBody = '{{b}} {{a}} {{b.c}}';
    const both = { ...config, apiSchema: { ...config.apiSchema, requestBody } };
    expect(fields(variableUsers(both, ['a', 'c', 'b', 'planet']))).to.deep.equal([
      'a: api_schema.request_body',
      'b: api_schema.request_body',
      'planet: assignments[0]',
    ]);
  });

  it('returns no rule of * for any variable', () => {
    const rule = { attributeName: 'vars', dynamicVariable: '*', required: true };
    expect(variableUsers({ ...config, assignments: [rule] }, ['name'])).to.deep.equal([]);
  });

  it('returns nothing for a name that is not used', () => {
    expect(variableUsers(config, ['name'])).to.deep.equal([]);
    expect(variableUsers(config, ['CRM'])).to.deep.equal([]);
  });
});

describe('secretUsers', () => {
  it('returns placeholders and signatures', () => {
    expect(fields(secretUsers(config, ['CRM']))).to.deep.equal([
      'CRM: api_schema.url',
      'CRM: signing_secret_names[1]',
    ]);
    expect(secretUsers(config, ['TOKEN'])).to.have.length(1);
    expect(secretUsers(config, ['SIGN'])).to.have.length(1);
    expect(secretUsers(config, ['plan'])).to.deep.equal([]);
  });
});

describe('usedSecretNames', () => {
  it('returns the secrets of placeholders and signatures, each once', () => {
    expect([...usedSecretNames(config)]).to.deep.equal(['CRM', 'TOKEN', 'SIGN']);
  });

  it('leaves out parts of names and texts that only look like placeholders', () => {
    const requestHeaders = {
      A: '{{secret.CRM_TOKEN}}',
      B: '\\{{secret.CRM}}',
      C: 'secret.C {{plan.secret.D}}',
    };
    const apiSchema = { ...config.apiSchema, url: 'https://a.example/', requestHeaders };
    const names = usedSecretNames({ ...config, apiSchema, signingSecretNames: [] });
    expect([...names]).to.deep.equal(['CRM_TOKEN']);
  });
});
