import { expect } from 'chai';
import fc from 'fast-check';
import type { JsonObject } from '../../../../src/domain/json.ts';
import { compileHmac } from '../../../../src/domain/auth/hmac-signature.ts';
import { compileRequest } from '../../../../src/domain/template/compile-request.ts';
import { parseUpdateMask } from '../../../../src/domain/update-mask.ts';
import { validateAgent } from '../../../../src/domain/validation/validate-agent.ts';
import { validateCallDetails } from '../../../../src/domain/validation/validate-call-details.ts';
import {
  validateWebhookConfig,
  type WebhookConfigContext,
} from '../../../../src/domain/validation/validate-webhook-config.ts';
import { toDraft } from '../../../../src/domain/webhook-draft.ts';
import {
  anyDraft,
  awkwardJson,
  nearlyRightText,
  nearlyValidDraft,
} from '../../../support/arbitrary-drafts.ts';

const context = (type: 'pre_call' | 'post_call', isStored: boolean): WebhookConfigContext => ({
  webhookType: type,
  path: 'webhook_config',
  declaredVariables: new Set(['v']),
  secretNames: new Set(['S']),
  storedHeaders: new Set(isStored ? ['authorization', 'auth:basic.password', 'auth:bearer.token'] : []),
  storedOrigin: isStored ? 'https://api.example.com' : undefined,
});
const contexts = fc.tuple(fc.constantFrom('pre_call' as const, 'post_call' as const), fc.boolean());

describe('validation, for any input', () => {
  it('validateWebhookConfig accepts only configurations that it accepts again unchanged, and that compile', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(anyDraft, nearlyValidDraft), contexts, (given, [type, isStored]) => {
        const { config, violations } = validateWebhookConfig(given, context(type, isStored));
        if (violations.length > 0) return;
        accepted += 1;
        const again = validateWebhookConfig(toDraft(config), context(type, isStored));
        expect(again).to.deep.equal({ config, violations: [] });
        compileRequest(config);
        if (config.hmacSignature !== undefined) compileHmac(config.hmacSignature);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).to.be.greaterThan(100);
  });

  it('validateWebhookConfig returns no other violations when it validates fewer fields', () => {
    const fields = fc.uniqueArray(fc.constantFrom(...parseUpdateMask(['*'], 'webhook').mask));
    fc.assert(
      fc.property(anyDraft, contexts, fields, (given, [type, isStored], changed) => {
        const all = validateWebhookConfig(given, context(type, isStored)).violations;
        const isChanged: WebhookConfigContext['isChanged'] = (field) => changed.includes(field);
        const some = validateWebhookConfig(given, { ...context(type, isStored), isChanged }).violations;
        expect(all).to.deep.include.members([...some]);
      }),
      { numRuns: 500 },
    );
  });

  it('validateAgent and validateCallDetails accept only values that they accept again unchanged', () => {
    const names = fc.dictionary(
      fc.oneof(fc.constantFrom('a', 'b', 'constructor', '__proto__'), nearlyRightText),
      awkwardJson,
      {
        maxKeys: 3,
      },
    );
    fc.assert(
      fc.property(names, nearlyRightText, (variables, phone) => {
        const given = { displayName: phone, dynamicVariables: variables as JsonObject, webhooks: [] };
        const { agent, violations } = validateAgent(given, { secretNames: new Set() });
        if (violations.length === 0) {
          const again = validateAgent({ ...agent, webhooks: [] }, { secretNames: new Set() });
          expect(again).to.deep.equal({ agent, violations: [] });
        }
        const details = {
          callerPhone: phone,
          metadata: variables as JsonObject,
          dynamicVariables: variables as JsonObject,
        };
        const checked = validateCallDetails(details);
        if (checked.violations.length === 0)
          expect(validateCallDetails(checked.details)).to.deep.equal(checked);
      }),
      { numRuns: 1000 },
    );
  });
});
