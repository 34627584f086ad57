const LINE_FEED = 10;
const CHUNK_SIZE = 64 * 1024;

/** Lines that wait to be written, oldest first. */
export interface LineQueue {
  /** Takes a line that ends with a line feed. Returns false, and leaves the line out, when the queue is full. */
  push(line: string): boolean;
  /** Returns how much waits: in bytes, the newest 64 KiB in characters. */
  size(): number;
  /** Returns the oldest lines, about 64 KiB of them, or what is left of those; undefined when nothing waits. */
  head(): Buffer | undefined;
  /** Removes bytes that were written from the start of the head. */
  advance(bytes: number): void;
  /** Drops the lines and returns their number. The rest of a line that was written in part stays. */
  clear(): number;
}

/** Creates a queue that is full at `maxSize`; the last line may reach beyond it. */
export function createLineQueue(maxSize: number): LineQueue {
  let gathered = '';
  let chunks: Buffer[] = [];
  let chunkBytes = 0;
  let isInsideLine = false;

  const add = (chunk: Buffer): void => {
    chunks.push(chunk);
    chunkBytes += chunk.length;
  };
  const gatheredToChunk = (): void => {
    if (gathered === '') return;
    add(Buffer.from(gathered));
    gathered = '';
  };
  const size = (): number => chunkBytes + gathered.length;

  return {
    push(line) {
      if (size() >= maxSize) return false;
      gathered += line;
      if (gathered.length >= CHUNK_SIZE) gatheredToChunk();
      return true;
    },
    size,
    head() {
      if (chunks.length === 0) gatheredToChunk();
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
      gatheredToChunk();
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
