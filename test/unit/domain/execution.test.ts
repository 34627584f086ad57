import { expect } from 'chai';
import { FIRST_STATES, isEnded, mayBecome, TRANSITIONS } from '../../../src/domain/execution.ts';
import type { ExecutionState, WebhookType } from '../../../src/domain/types.ts';

const TYPES: WebhookType[] = ['pre_call', 'post_call'];
const STATES = Object.keys(TRANSITIONS.pre_call) as ExecutionState[];

describe('the states of an execution', () => {
  for (const type of TYPES) {
    it(`never lead a ${type} back to sending or before it`, () => {
      for (const from of STATES) {
        if (from !== 'accepted') expect(mayBecome(type, from, 'sending'), from).to.equal(false);
        expect(mayBecome(type, from, 'accepted'), from).to.equal(false);
        expect(mayBecome(type, from, 'no_webhook'), from).to.equal(false);
      }
    });

    it(`all lead a ${type} to an end`, () => {
      for (const from of FIRST_STATES[type].filter((state) => !isEnded(state))) {
        expect(
          TRANSITIONS[type][from].some((to) => isEnded(to) || TRANSITIONS[type][to].some(isEnded)),
        ).to.equal(true);
      }
    });
  }

  it('make an interrupted pre-call final, and let the owner of a post-call correct it', () => {
    expect(TRANSITIONS.pre_call.interrupted).to.deep.equal([]);
    expect(mayBecome('post_call', 'interrupted', 'succeeded')).to.equal(true);
  });

  it('let a post-call that was never begun fail, but never succeed', () => {
    expect(TRANSITIONS.post_call.accepted).to.deep.equal(['sending', 'failed']);
  });

  it('are ended or not', () => {
    expect(STATES.filter(isEnded).toSorted()).to.deep.equal([
      'failed',
      'interrupted',
      'no_webhook',
      'succeeded',
    ]);
  });
});
