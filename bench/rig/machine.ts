import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { findServerProgram } from '../../test/support/mariadb.ts';
import { quantileOf } from './statistics.ts';

/** The machine and the versions that a bench ran with. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  readonly go: string;
  readonly mariadb: string;
  readonly commit: string;
  /** The time of one sync on the disk that the databases lie on. */
  readonly fdatasyncMs: { readonly p50: number; readonly p99: number };
}

const SYNCS = 500;
const PAGE_BYTES = 4096;

/** Describes this machine. It takes a second. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    go: output('go', ['version']).split(' ')[2] ?? '',
    mariadb:
      /\d+\.\d+\.\d+/.exec(output(findServerProgram('mariadbd') ?? 'mariadbd', ['--version']))?.[0] ?? '',
    commit: output('git', ['describe', '--always', '--dirty']),
    fdatasyncMs: timeSyncs(),
  };
}

function output(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** Times `fdatasync` after each appended page, in the folder of the databases. */
export function timeSyncs(): Machine['fdatasyncMs'] {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-sync-'));
  const file = openSync(join(folder, 'log'), 'w');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const times: number[] = [];
  for (let i = 0; i < SYNCS; i += 1) {
    writeSync(file, page);
    const beganAtMs = performance.now();
    fdatasyncSync(file);
    times.push(performance.now() - beganAtMs);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return { p50: quantileOf(times, 0.5), p99: quantileOf(times, 0.99) };
}
