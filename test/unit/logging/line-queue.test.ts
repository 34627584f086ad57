import { expect } from 'chai';
import fc from 'fast-check';
import { createLineQueue } from '../../../src/logging/line-queue.ts';

const KIB = 1024;

describe('createLineQueue', () => {
  it('returns the pushed lines in their order, in pieces of any size', () => {
    const actions = fc.array(fc.oneof(fc.string(), fc.nat(300)), { maxLength: 200 });
    fc.assert(
      fc.property(actions, (steps) => {
        const queue = createLineQueue(Infinity);
        const pushed = steps.filter((step) => typeof step === 'string').map((text) => `${text}\n`);
        const taken: Buffer[] = [];
        const take = (most: number): void => {
          const head = queue.head();
          if (head === undefined) return;
          const part = head.subarray(0, Math.min(most, head.length));
          taken.push(Buffer.from(part));
          queue.advance(part.length);
        };
        for (const step of steps) {
          if (typeof step === 'string') queue.push(`${step}\n`);
          else take(step);
        }
        while (queue.head() !== undefined) take(100);
        expect(Buffer.concat(taken)).to.deep.equal(Buffer.from(pushed.join('')));
        expect(queue.size()).to.equal(0);
      }),
    );
  });

  it('refuses lines while it is full, and accepts lines again after a write', () => {
    const queue = createLineQueue(10);
    expect([queue.push('12345678\n'), queue.push('90\n'), queue.push('x\n')]).to.deep.equal([
      true,
      true,
      false,
    ]);
    queue.advance(queue.head()?.length ?? 0);
    expect(queue.push('x\n')).to.equal(true);
    expect(String(queue.head())).to.equal('x\n');
  });

  it('returns chunks of about 64 KiB that end with a whole line', () => {
    const queue = createLineQueue(Infinity);
    for (let count = 0; count < 200; count += 1) queue.push(`${'x'.repeat(KIB)}\n`);
    const head = queue.head() ?? Buffer.alloc(0);
    expect(head.length).to.be.within(64 * KIB, 66 * KIB);
    expect(head.at(-1)).to.equal(10);
  });

  it('drops and counts whole lines, but keeps the rest of a line that was written in part', () => {
    const queue = createLineQueue(Infinity);
    for (const line of ['first\n', 'second\n', 'third\n']) queue.push(line);
    queue.head();
    queue.push('fourth\n');
    queue.advance('first\nsec'.length);
    expect(queue.clear()).to.equal(2);
    expect(String(queue.head())).to.equal('ond\n');
    queue.push('fifth\n');
    expect(queue.clear()).to.equal(1);
    expect(queue.size()).to.equal('ond\n'.length);
  });

  it('drops all lines when the last write ended at the end of a line', () => {
    const queue = createLineQueue(Infinity);
    for (const line of ['first\n', 'second\n']) queue.push(line);
    queue.head();
    queue.advance('first\n'.length);
    expect(queue.clear()).to.equal(1);
    expect(queue.head()).to.equal(undefined);
  });
});
