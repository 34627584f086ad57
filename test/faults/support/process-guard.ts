import { startTether, type Tether } from '../../support/tether.ts';

// Each line of its input is `+ <pid>` or `- <pid>`.
const SCRIPT = `
pids=" "
while read -r sign pid; do
  case "$sign" in
    +) pids="$pids$pid " ;;
    -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done`;

let tether: Tether | undefined;

/** Has a process killed when this one is gone, however it ends: no replica outlives its tests. */
export function guardProcess(pid: number): void {
  tether ??= startTether(SCRIPT);
  tether.send(`+ ${pid}`);
}

/** Says that a guarded process has ended: its number may soon be another's. */
export function unguardProcess(pid: number): void {
  tether?.send(`- ${pid}`);
}
