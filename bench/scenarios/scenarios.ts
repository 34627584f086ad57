import type { Scenario } from '../rig/rig.ts';
import { added } from './added.ts';
import { consolePages } from './console.ts';
import { drain } from './drain.ts';
import { endAccept } from './end-accept.ts';
import { endCpu } from './end-cpu.ts';
import { filled } from './filled.ts';
import { goService } from './go-service.ts';
import { inFlight } from './in-flight.ts';
import { overload } from './overload.ts';
import { profile } from './profile.ts';
import { slowSync } from './slow-sync.ts';
import { soak } from './soak.ts';
import { start } from './start.ts';
import { unpinned } from './unpinned.ts';
import { watchers } from './watchers.ts';

/** Every scenario, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  start,
  goService,
  endAccept,
  endCpu,
  overload,
  drain,
  added,
  unpinned,
  inFlight,
  slowSync,
  profile,
  filled,
  consolePages,
  watchers,
  soak,
];

/** The scenarios of `make bench-quick`. */
export const QUICK: readonly string[] = ['start', 'end-accept', 'overload'];
