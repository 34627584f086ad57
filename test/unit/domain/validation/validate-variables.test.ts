import { expect } from 'chai';
import fc from 'fast-check';
import { asStored, type JsonObject } from '../../../../src/domain/json.ts';
import {
  arePlainVariables,
  variablesViolations,
} from '../../../../src/domain/validation/validate-variables.ts';
import { anyStruct } from '../../../support/arbitrary-json.ts';
import { VARIABLES } from '../../../support/arbitrary-webhooks.ts';

describe('arePlainVariables', () => {
  it('accepts only variables that have no violation and are stored as they are', () => {
    fc.assert(
      fc.property(anyStruct(VARIABLES), (struct) => {
        const variables = struct as JsonObject;
        if (!arePlainVariables(variables)) return;
        expect(variablesViolations(variables, 'v')).to.deep.equal([]);
        expect(asStored(variables)).to.deep.equal(variables);
      }),
      { numRuns: 1_000 },
    );
  });
});
