import { createDropCount } from './drop-count.ts';
import { openLogTarget, type LogTarget } from './log-target.ts';

/** Accepts log lines without waiting, and writes many of them together later. */
export interface LogOutput {
  /** Accepts a line with its line feed. While 4 MiB of lines wait, new lines are dropped and counted. */
  write(line: string): void;
  /** Returns how many lines were dropped since the start. */
  droppedLines(): number;
  /** Writes the waiting lines and ends the output. It waits for a stalled reader for at most 0.5 s. */
  flush(): void;
}

const WRITE_EVERY_MS = 20;
const WRITE_AT_SIZE = 64 * 1024;
const MAX_SIZE = 4 * 1024 * 1024;
const FLUSH_MS = 500;
const FLUSH_PAUSE_MS = 2;

/**
 * Opens standard output (`fd` is `process.stdout.fd`) for log lines. When its reader stalls or goes away, lines are lost,
 * but no call has to wait. `onDropped` gets the number of lost lines at most once a second, when lines can be written
 * again.
 */
export function openLogOutput(fd: number, onDropped: (lines: number) => void): LogOutput {
  const queue = createLineQueue(MAX_SIZE);
  const target = openLogTarget(fd);
  const drops = createDropCount(onDropped, () => hasProgress && queue.size() < MAX_SIZE);
  let timer: NodeJS.Timeout | undefined;
  let isWriting = false;
  let isEnded = false;
  // Whether the last write left bytes over, and whether it wrote any.
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

/** Waits for the write in flight. Its callback would come in a later turn of the event loop, but the process exits first. */
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

const LINE_FEED = 10;
const CHUNK_SIZE = 64 * 1024;

/** A queue of log lines that wait to be written, oldest first. */
interface LineQueue {
  /** Adds a line that ends with a line feed. Returns false, and does not add it, when the queue is full. */
  push(line: string): boolean;
  /** Returns the size of the waiting lines in bytes; the newest 64 KiB are counted in characters. */
  size(): number;
  /** Returns the oldest lines, about 64 KiB, or the rest of them. Returns undefined when no line waits. */
  head(): Buffer | undefined;
  /** Removes written bytes from the start of the head. */
  advance(bytes: number): void;
  /** Drops the lines and returns their number. A line that was written in part keeps its rest. */
  clear(): number;
}

/** Makes a queue that is full at `maxSize`. The last line may go beyond it. */
export function createLineQueue(maxSize: number): LineQueue {
  // The newest lines, which are not encoded yet.
  let open = '';
  let chunks: Buffer[] = [];
  let chunkBytes = 0;
  let isInsideLine = false;

  const add = (chunk: Buffer): void => {
    chunks.push(chunk);
    chunkBytes += chunk.length;
  };
  const closeChunk = (): void => {
    if (open === '') return;
    add(Buffer.from(open));
    open = '';
  };
  const size = (): number => chunkBytes + open.length;

  return {
    push(line) {
      if (size() >= maxSize) return false;
      open += line;
      if (open.length >= CHUNK_SIZE) closeChunk();
      return true;
    },
    size,
    head() {
      if (chunks.length === 0) closeChunk();
      return chunks[0];
    },
    advance(bytes) {
      const [head] = chunks;
      if (head === undefined || bytes === 0) return;
      isInsideLine = head[bytes - 1] !== LINE_FEED;
      chunkBytes -= bytes;
      if (bytes === head.length) chunks.shift();
      else chunks[0] = head.subarray(bytes);
    },
    clear() {
      closeChunk();
      const waiting = Buffer.concat(chunks);
      const restBytes = isInsideLine ? waiting.indexOf(LINE_FEED) + 1 : 0;
      chunks = [];
      chunkBytes = 0;
      if (restBytes > 0) add(waiting.subarray(0, restBytes));
      return countLines(waiting.subarray(restBytes));
    },
  };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}
