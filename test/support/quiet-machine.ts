import { watchLoad, type LoadSample, type LoadWatch } from './machine-load.ts';

/** `QUIET=1` says that nothing else runs on this machine: then rules about time always decide. */
const IS_QUIET = (process.env['QUIET'] ?? '') !== '';

// What a second on a machine of two CPUs must not exceed, so that a bound in time says something about callhooks.
const MOST_OTHERS_SHARE = 0.25;
const MOST_STALLED_MS = 250;
const MOST_DISK_MS = 250;

let watch: LoadWatch | undefined;
let undecided = 0;

/** Begins to watch how busy the machine is, for {@link onQuietMachine}; later calls change nothing. */
export function watchMachine(): void {
  if (watch !== undefined) return;
  watch = watchLoad();
  process.on('exit', () => {
    if (undecided > 0)
      print(`${undecided} rules about time were not decided; QUIET=1 on a quiet machine decides them`);
  });
}

/**
 * Checks a rule about time: how soon something has happened. Its failure fails the test, unless the machine was
 * measurably busy with something else since `fromMs` (epoch milliseconds). Then the failure is printed loudly, and the
 * test goes on. Rules about correctness, and rules that something must not happen too early, belong outside.
 */
export async function onQuietMachine(rule: string, fromMs: number, check: () => unknown): Promise<void> {
  try {
    await check();
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    if (!isExcused(`${rule}: ${failure}`, fromMs, Date.now())) throw error;
  }
}

/** Reports whether the machine was too busy between two instants to count a broken rule about time. Prints it then. */
export function isExcused(failure: string, fromMs: number, toMs: number): boolean {
  const reason = IS_QUIET ? undefined : reasonOf(watch?.between(fromMs, toMs) ?? []);
  if (reason === undefined) return false;
  undecided += 1;
  print(`NOT DECIDED, the machine was busy (${reason}): ${failure}`);
  return true;
}

/** Returns why a machine was busy, by the worst of these samples. Returns undefined for a quiet one. */
export function reasonOf(samples: readonly LoadSample[]): string | undefined {
  const worst = (of: (sample: LoadSample) => number): number => Math.max(0, ...samples.map(of));
  const share = worst(({ othersShare }) => othersShare);
  const stalledMs = worst((sample) => sample.stalledMs);
  const diskMs = worst((sample) => sample.diskMs);
  if (share > MOST_OTHERS_SHARE) return `other programs had ${Math.round(share * 100)} % of the CPU`;
  if (stalledMs > MOST_STALLED_MS) return `the test got no turn for ${Math.round(stalledMs)} ms`;
  if (diskMs > MOST_DISK_MS) return `the disk took ${Math.round(diskMs)} ms for a small write`;
  return undefined;
}

function print(line: string): void {
  process.stdout.write(`\n*** ${line} ***\n\n`);
}
