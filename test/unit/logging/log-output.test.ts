import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { createLogger } from '../../../src/logger.ts';
import { createLineQueue, openLogOutput, type LogOutput } from '../../../src/logging/log-output.ts';
import { until } from '../../support/until.ts';

const KIB = 1024;

const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

describe('openLogOutput on a file', () => {
  let folder: string;
  let fd: number;
  let output: LogOutput;
  const reported: number[] = [];
  const read = (): string => readFileSync(join(folder, 'log'), 'utf8');
  const numbered = (count: number, from = 0): string[] =>
    Array.from({ length: count }, (_, index) => `${String(from + index).padStart(99, '0')}\n`);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
    fd = openSync(join(folder, 'log'), 'w');
    reported.length = 0;
    output = openLogOutput(fd, (lines) => {
      reported.push(lines);
      output.write('dropped\n');
    });
  });
  afterEach(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it('writes lines in their order without a flush', async () => {
    const lines = numbered(10_000);
    for (const line of lines) output.write(line);
    await until('all lines', () => read().length >= lines.join('').length);
    expect(read()).to.equal(lines.join(''));
  });

  it('keeps the order of lines when it is flushed during a write', async () => {
    const before = numbered(1_000);
    const after = numbered(10, 1_000);
    for (const line of before) output.write(line);
    for (const line of after) output.write(line);
    output.flush();
    expect(read()).to.equal([...before, ...after].join(''));
    const last = numbered(1_000, 2_000);
    for (const line of last) output.write(line);
    // This resolves after the callback of the write that was in flight.
    await stat(folder);
    output.flush();
    expect(read()).to.equal([...before, ...after, ...last].join(''));
  });

  it('drops lines while 4 MiB wait, and reports their number when it is flushed at the latest', () => {
    const lines = numbered(100_000);
    for (const line of lines) output.write(line);
    const dropped = output.droppedLines();
    expect(dropped).to.be.within(50_000, 60_000);
    output.flush();
    expect(reported).to.deep.equal([dropped]);
    expect(read()).to.equal([...lines.slice(0, 100_000 - dropped), 'dropped\n'].join(''));
  });

  it('reports the number of dropped lines as soon as lines can be written again', async () => {
    for (const line of numbered(100_000)) output.write(line);
    await until('the number of dropped lines', () => reported.length > 0);
    expect(reported).to.deep.equal([output.droppedLines()]);
    // A write that is still in flight would end in the file of the next test, which may have the same descriptor.
    await until('the last line', () => read().endsWith('dropped\n'));
  });

  it('writes the time of the event and not the time of the write', () => {
    const logger = createLogger({ level: 'info', instance: 'x', pretty: false, destination: output });
    const before = Date.now();
    logger.info({}, 'event');
    const after = Date.now();
    standStill(30);
    output.flush();
    const { time } = JSON.parse(read()) as { time: string };
    expect(Date.parse(time)).to.be.within(before, after);
  });
});

// A device on which every write fails with ENOSPC; only Linux has it.
const FULL = '/dev/full';
if (existsSync(FULL))
  describe('openLogOutput on a device where every write fails', () => {
    it('drops and counts the lines without reporting them', async () => {
      const fd = openSync(FULL, 'w');
      let reports = 0;
      const output = openLogOutput(fd, () => (reports += 1));
      output.write('1\n');
      output.write('2\n');
      await until('two dropped lines', () => output.droppedLines() === 2);
      output.write('3\n');
      await until('a third one', () => output.droppedLines() === 3);
      expect(reports).to.equal(0);
      closeSync(fd);
    });
  });

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
