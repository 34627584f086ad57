import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { onPipe, onSocket, type LogLine, type Unread } from '../support/log-reader.ts';
import { until } from '../support/until.ts';

const WRITER = fileURLToPath(new URL('../support/log-writer.ts', import.meta.url));
// About 11 MB, which is more than a pipe and the queue take.
const FLOOD = 100_000;
// About 33 KB, which a pipe takes.
const FEW = 300;

function numbersOf(lines: readonly LogLine[]): number[] {
  return lines.flatMap(({ n }) => (n === undefined ? [] : [Number(n)]));
}

function droppedIn(lines: readonly LogLine[]): number {
  return lines.reduce((sum, { lines: dropped = 0 }) => sum + Number(dropped), 0);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

for (const [kind, start] of Object.entries({ pipe: onPipe, socket: onSocket })) {
  describe(`A process that logs to a ${kind}`, function () {
    this.timeout(60_000);
    let folder: string;
    let unread: Unread;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'callhooks-log-'));
    });
    afterEach(() => {
      unread.child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    });

    const flood = async (): Promise<{ written: number; dropped: number }> => {
      unread = start(folder, [WRITER, 'flood', String(FLOOD)]);
      const [progress] = await once(unread.child, 'message');
      return progress as { written: number; dropped: number };
    };

    it('goes on while nobody reads, and says later how many lines it has dropped', async () => {
      const { written, dropped } = await flood();
      expect(written).to.equal(FLOOD);
      expect(dropped).to.be.greaterThan(0);
      const { lines, ended } = unread.read();
      await until('the line about dropped lines', () => droppedIn(lines) > 0);
      unread.child.send('exit');
      await ended;
      expect(droppedIn(lines)).to.equal(dropped);
      const numbers = numbersOf(lines);
      expect(numbers).to.have.length(FLOOD - dropped);
      expect(numbers).to.deep.equal(numbers.toSorted((a, b) => a - b));
    });

    it('exits while nobody reads', async () => {
      await flood();
      unread.child.send('exit');
      expect(await once(unread.child, 'exit')).to.deep.equal([0, null]);
    });

    it('writes the lines that it logged just before it exits', async () => {
      unread = start(folder, [WRITER, 'exit', String(FEW)]);
      const { lines, ended } = unread.read();
      await ended;
      expect(numbersOf(lines)).to.deep.equal(upTo(FEW));
    });

    it('writes the lines that it logged just before an uncaught error, and the error', async () => {
      unread = start(folder, [WRITER, 'crash', String(FEW)]);
      const { lines, ended } = unread.read();
      await ended;
      expect(numbersOf(lines)).to.deep.equal(upTo(FEW));
      expect(lines.at(-1)).to.include({ level: 'error', msg: 'crashed' });
    });
  });
}
