import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'chai';
import { createParseBudget } from '../../../../src/http/client/parse-budget.ts';

const spend = (ms: number): void => {
  const endsAtMs = performance.now() + ms;
  while (performance.now() < endsAtMs);
};

describe('the parse budget', () => {
  it('has time in a turn until 10 ms of it are spent, and has time again in the next turn', async () => {
    const budget = createParseBudget();
    expect(budget.hasTime()).to.equal(true);
    spend(11);
    expect(budget.hasTime()).to.equal(false);
    await nextTurn();
    expect(budget.hasTime()).to.equal(true);
  });

  it('resumes what was put off in the next turn, and puts off again what that turn has no time for', async () => {
    const budget = createParseBudget();
    const done: string[] = [];
    const parse = (name: string) => (): void => {
      if (!budget.hasTime()) return budget.onNextTurn(parse(name));
      done.push(name);
      spend(11);
    };
    for (const name of ['a', 'b', 'c']) parse(name)();
    expect(done).to.deep.equal(['a']);
    await nextTurn();
    expect(done).to.deep.equal(['a', 'b']);
    await nextTurn();
    expect(done).to.deep.equal(['a', 'b', 'c']);
  });
});
