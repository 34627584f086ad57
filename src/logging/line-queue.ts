const LINE_FEED = 10;
const CHUNK_SIZE = 64 * 1024;

/** A queue of log lines that wait to be written, oldest first. */
export interface LineQueue {
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
