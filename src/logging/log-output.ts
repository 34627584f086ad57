import { createDropCount } from './drop-count.ts';
import { createLineQueue, type LineQueue } from './line-queue.ts';
import { openLogTarget, type LogTarget } from './log-target.ts';

/** Takes log lines at once and writes them later, many together. */
export interface LogOutput {
  /** Takes a line with its line feed. While 4 MiB wait, lines are dropped and counted. */
  write(line: string): void;
  /** Returns how many lines were dropped since the start. */
  droppedLines(): number;
  /** Writes what waits before it returns, and ends the output. It waits for a stalled reader for 0.5 s at most. */
  flush(): void;
}

const WRITE_EVERY_MS = 20;
const WRITE_AT_SIZE = 64 * 1024;
const MAX_SIZE = 4 * 1024 * 1024;
const FLUSH_MS = 500;
const FLUSH_PAUSE_MS = 2;

/**
 * Opens standard output for log lines. A reader that stalls or goes away costs lines, never calls: `onDropped` is called
 * with their number at most once a second, when lines can be written again. `fd` is `process.stdout.fd`.
 */
export function openLogOutput(fd: number, onDropped: (lines: number) => void): LogOutput {
  const queue = createLineQueue(MAX_SIZE);
  const target = openLogTarget(fd);
  const drops = createDropCount(onDropped, () => hasProgress && queue.size() < MAX_SIZE);
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  let isEnded = false;
  // Of the last write: whether it took all bytes, and whether it took any.
  let isBlocked = false;
  let hasProgress = true;
  let retryMs = 1;

  function schedule(delayMs: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      writeHead();
    }, delayMs).unref();
  }

  function writeHead(): void {
    const head = queue.head();
    if (head === undefined || isWriting || isEnded) return;
    isWriting = true;
    target.write(head, (error, bytes) => {
      if (isEnded) return;
      isWriting = false;
      isBlocked = bytes < head.length;
      hasProgress = bytes > 0;
      if (error === null || error.code === 'EAGAIN') onWritten(bytes);
      else drops.add(queue.clear());
    });
  }

  function onWritten(bytes: number): void {
    queue.advance(bytes);
    drops.report();
    if (isBlocked) {
      retryMs = hasProgress ? 1 : Math.min(retryMs * 2, WRITE_EVERY_MS);
      schedule(retryMs);
    } else if (queue.size() >= WRITE_AT_SIZE) writeHead();
    else if (queue.size() > 0) schedule(WRITE_EVERY_MS);
  }

  return {
    write(line) {
      if (!queue.push(line)) drops.add(1);
      else if (isBlocked || queue.size() < WRITE_AT_SIZE) schedule(WRITE_EVERY_MS);
      else writeHead();
    },
    droppedLines: drops.total,
    flush() {
      const untilMs = performance.now() + FLUSH_MS;
      isEnded = true;
      if (isWriting) finishWrite(queue, target, untilMs);
      isWriting = false;
      drops.reportNow();
      writeRest(queue, target, untilMs);
    },
  };
}

/** Waits for the write in flight: its callback would come in a turn of the event loop that there will not be. */
function finishWrite(queue: LineQueue, target: LogTarget, untilMs: number): void {
  while (!target.isSettled() && performance.now() < untilMs) pause();
  queue.advance(queue.head()?.length ?? 0);
}

function writeRest(queue: LineQueue, target: LogTarget, untilMs: number): void {
  for (let head = queue.head(); head !== undefined; head = queue.head()) {
    try {
      queue.advance(target.writeNow(head));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > untilMs) return;
      pause();
    }
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FLUSH_PAUSE_MS);
}
