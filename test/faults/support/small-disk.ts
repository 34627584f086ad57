import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';

/** A file system of a size of its own. It is gone when this process is, however that ends. */
export interface SmallDisk {
  readonly folder: string;
  freeBytes(): number;
  /** Fills it until so many bytes are free; 0: until nothing more can be written. */
  fill(leaveBytes: number): void;
  /** Takes away what filled it. */
  empty(): void;
  unmount(): Promise<void>;
}

const MIB = 1024 * 1024;
// Without a sound when it was unmounted before.
const GUARD = 'while read -r _; do :; done; umount -l "$1" 2>/dev/null; rmdir "$1"';

/** Mounts one in memory; undefined where this process may not. */
export const mountSmallDisk = (bytes: number): SmallDisk | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'callhooks-test', folder];
  if (spawnSync('mount', options).status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const guard = spawn('/bin/sh', ['-c', GUARD, 'sh', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.unref();
  const tether = guard.stdin as Socket;
  tether.unref();
  const filler = join(folder, 'filler');
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  return {
    folder,
    freeBytes,
    fill: (leaveBytes) => {
      const file = openSync(filler, 'a');
      try {
        for (const step of [MIB, 4_096])
          while (freeBytes() - step >= leaveBytes) writeSync(file, Buffer.alloc(step));
      } catch (error) {
        // Somebody else was writing, too.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filler, { force: true }),
    unmount: async () => {
      const exit = once(guard, 'exit');
      guard.ref();
      tether.end();
      await exit;
    },
  };
};
