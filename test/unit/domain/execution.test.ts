import { expect } from 'chai';
import { isFinished, type ExecutionState } from '../../../src/domain/execution.ts';

const ROWS: [state: ExecutionState, finished: boolean][] = [
  ['accepted', false],
  ['sending', false],
  ['succeeded', true],
  ['failed', true],
  ['interrupted', true],
  ['no_webhook', true],
];

describe('isFinished', () => {
  for (const [state, finished] of ROWS) {
    it(`returns ${finished} for ${state}`, () => {
      expect(isFinished(state)).to.equal(finished);
    });
  }
});
