import { expect } from 'chai';
import { isFinished, type ExecutionState } from '../../../src/domain/execution.ts';

const ROWS: [state: ExecutionState, ended: boolean][] = [
  ['accepted', false],
  ['sending', false],
  ['succeeded', true],
  ['failed', true],
  ['interrupted', true],
  ['no_webhook', true],
];

describe('isEnded', () => {
  for (const [state, ended] of ROWS) {
    it(`says ${ended} for ${state}`, () => {
      expect(isFinished(state)).to.equal(ended);
    });
  }
});
