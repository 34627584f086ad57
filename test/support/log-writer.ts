/**
 * Logs numbered lines as callhooks does, in a process of its own. `flood <lines>` sends a message to the parent when
 * all are logged, and exits at a message from it. `exit <lines>` and `crash <lines>` end in the same turn of the event
 * loop.
 */
import { exit } from 'node:process';
import { openLog } from '../../src/logger.ts';

const LINES_PER_TURN = 500;
const [, , action, count] = process.argv;
const log = openLog(process.stdout, { level: 'info', instance: 'log-writer' });
process.on('exit', log.flush);

function logNumbers(from: number, end: number): void {
  for (let n = from; n < end; n += 1) log.logger.info({ n }, 'numbered');
}

function flood(from: number, end: number): void {
  const next = Math.min(end, from + LINES_PER_TURN);
  logNumbers(from, next);
  if (next < end) setImmediate(flood, next, end);
  else process.send?.({ written: next, dropped: log.droppedLines() });
}

if (action === 'flood') {
  process.on('message', () => exit(0));
  flood(0, Number(count));
} else {
  process.on('uncaughtException', (err) => {
    log.logger.error({ err }, 'crashed');
    exit(70);
  });
  logNumbers(0, Number(count));
  if (action === 'exit') exit(0);
  throw new Error('on purpose');
}
