import { expect } from 'chai';
import type { WebhookConfig } from '../../../src/domain/agent.ts';
import { secretUsers, usedSecretNames, variableUsers } from '../../../src/domain/name-usage.ts';

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
const webhooks = [{ webhookType: 'pre_call', config }] as const;

describe('variableUsers', () => {
  it('returns every place that uses the name, and no other', () => {
    expect(variableUsers(webhooks, 'plan').map(({ description }) => description)).to.deep.equal([
      'webhook_config.api_schema.url uses it',
      'webhook_config.api_schema.request_headers[X-Plan] uses it',
      'webhook_config.api_schema.request_body.a[0]["b c"] uses it',
      'webhook_config.assignments[1] uses it',
    ]);
  });

  it('returns the type of the webhook with each place', () => {
    const both = [...webhooks, { webhookType: 'post_call', config } as const];
    const subjects = variableUsers(both, 'planet').map(({ subject }) => subject);
    expect(new Set(subjects)).to.deep.equal(new Set(['pre_call webhook', 'post_call webhook']));
  });

  it('returns nothing for a name that is not used', () => {
    expect(variableUsers(webhooks, 'name')).to.deep.equal([]);
    expect(variableUsers(webhooks, 'CRM')).to.deep.equal([]);
  });
});

describe('secretUsers', () => {
  it('returns placeholders and signatures', () => {
    expect(secretUsers(webhooks, 'CRM').map(({ description }) => description)).to.deep.equal([
      'webhook_config.api_schema.url uses it',
      'webhook_config.signing_secret_names[1] uses it',
    ]);
    expect(secretUsers(webhooks, 'TOKEN')).to.have.length(1);
    expect(secretUsers(webhooks, 'SIGN')).to.have.length(1);
    expect(secretUsers(webhooks, 'plan')).to.deep.equal([]);
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
