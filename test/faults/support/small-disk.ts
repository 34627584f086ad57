import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTether } from '../../support/tether.ts';

/** A small file system. It is unmounted when this process ends, however it ends. */
export interface SmallDisk {
  readonly folder: string;
  freeBytes(): number;
  /** Fills it until only so many bytes are free; with 0, until nothing more can be written. */
  fill(leaveBytes: number): void;
  /** Removes what filled it. */
  empty(): void;
  unmount(): Promise<void>;
}

const MIB = 1024 * 1024;
const GUARD = 'while read -r _; do :; done; umount -l "$1" 2>/dev/null; rmdir "$1"';

/** Mounts a small disk in memory. Returns undefined where this process may not mount. */
export function mountSmallDisk(bytes: number): SmallDisk | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-disk-'));
  const options = ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'callhooks-test', folder];
  if (spawnSync('mount', options).status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const tether = startTether(GUARD, [folder]);
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
        // The replica writes too, so the disk may be full earlier.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(filler, { force: true }),
    unmount: () => tether.release(),
  };
}
