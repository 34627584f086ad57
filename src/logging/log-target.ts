import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Is called with the number of bytes that were written, or with the reason why none were: `EAGAIN` means not now. */
export type Written = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** A descriptor that can be written to without holding up the event loop. One write at a time. */
export interface LogTarget {
  /** Writes as many of the bytes as fit now. Calls `written` at once or, on a file, later. */
  write(bytes: Buffer, written: Written): void;
  /** Reports whether a write whose callback has not been called yet is over all the same. */
  isSettled(): boolean;
  /** Writes as many of the bytes as fit now and returns their number. */
  writeNow(bytes: Buffer): number;
}

/** Opens a descriptor that was inherited, as a rule standard output. */
export function openLogTarget(fd: number): LogTarget {
  return fstatSync(fd).isFile() ? openFile(fd) : openPipe(withoutBlocking(fd));
}

// A file's write waits for its disk, so it is done in libuv's thread pool. A pipe must not be written to there: while
// nobody reads, the thread is stuck in its write, and the process can't exit because libuv joins its threads.
function openFile(fd: number): LogTarget {
  let size = fstatSync(fd).size;
  return {
    write(bytes, written) {
      size += bytes.length;
      write(fd, bytes, (error, count) => {
        size -= bytes.length - count;
        written(error, count);
      });
    },
    isSettled: () => fstatSync(fd).size >= size,
    writeNow: (bytes) => writeSync(fd, bytes),
  };
}

function openPipe(fd: number): LogTarget {
  const writeNow = (bytes: Buffer): number => writeSync(fd, bytes);
  return {
    write(bytes, written) {
      let count: number;
      try {
        count = writeNow(bytes);
      } catch (error) {
        written(error as NodeJS.ErrnoException, 0);
        return;
      }
      written(null, count);
    },
    isSettled: () => true,
    writeNow,
  };
}

// Opens the same pipe, terminal or device a second time, so that its mode is ours alone: other processes that share the
// inherited descriptor can neither see nor change it. Where that is refused (sockets, pipes of another user, systems
// without /proc) the inherited one serves: Node.js puts pipes and sockets into non-blocking mode for `process.stdout`.
function withoutBlocking(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
