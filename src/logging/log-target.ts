import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';

/** Gets the number of written bytes, or the error when none were written. `EAGAIN` means that none can be written now. */
export type Written = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** Writes to a file descriptor without blocking the event loop, one write at a time. */
export interface LogTarget {
  /** Writes as many of the bytes as fit now. Calls `written` before it returns, or later when the target is a file. */
  write(bytes: Buffer, written: Written): void;
  /** Reports whether the last write has ended, even if its callback has not been called yet. */
  isSettled(): boolean;
  /** Writes as many of the bytes as fit now and returns their number. */
  writeNow(bytes: Buffer): number;
}

/** Opens a descriptor that this process inherited, normally standard output. */
export function openLogTarget(fd: number): LogTarget {
  return fstatSync(fd).isFile() ? openFile(fd) : openPipe(withoutBlocking(fd));
}

// A write to a file waits for the disk, so libuv's thread pool does it. The pool must not write to a pipe: while nobody
// reads the pipe, the thread is stuck in its write, and the process can't exit because libuv joins its threads.
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

// Opens the same pipe, terminal or device a second time. Other processes that share the inherited descriptor can then
// neither see nor change the non-blocking mode of ours. Sockets, pipes of another user and systems without /proc refuse
// this; the inherited descriptor is used there, because Node.js makes pipes and sockets non-blocking for `process.stdout`.
function withoutBlocking(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
