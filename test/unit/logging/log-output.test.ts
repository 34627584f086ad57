import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '../../../src/logger.ts';
import { openLogOutput, type LogOutput } from '../../../src/logging/log-output.ts';
import { until } from '../../support/until.ts';

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
