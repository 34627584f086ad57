import { expect } from 'chai';
import { nameProblem } from '../../../../src/domain/validation/names.ts';

describe('nameProblem', () => {
  it('accepts letters, digits and underscores', () => {
    for (const name of ['a', '_', 'A9_', 'customer_name', 'toString', 'a'.repeat(64)]) {
      expect(nameProblem(name), name).to.equal(undefined);
    }
  });

  it('refuses names that no placeholder can have', () => {
    for (const name of ['', '9a', 'a-b', 'a.b', 'é', ' a', 'a\n', 'a'.repeat(65)]) {
      expect(nameProblem(name), name).to.match(/letters/);
    }
  });

  it('refuses built-ins of either type, reserved roots and names of prototypes', () => {
    const taken = [
      'agent_uuid',
      'conversation_uuid',
      'caller_phone',
      'call_duration',
      'call_summary',
      'call',
      'caller',
      'agent',
      'conversation',
      'execution',
      'webhook',
      'metadata',
      'secret',
      'system',
      '__proto__',
      'constructor',
      'prototype',
    ];
    for (const name of taken) expect(nameProblem(name), name).to.match(/reserved/);
  });
});
