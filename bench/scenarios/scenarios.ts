import type { Scenario } from '../rig/rig.ts';
import { endAccept } from './end-accept.ts';
import { goService } from './go-service.ts';
import { overload } from './overload.ts';
import { start } from './start.ts';

/** Every scenario, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [start, goService, endAccept, overload];

/** Those of `make bench-quick`. */
export const QUICK: readonly string[] = ['start', 'end-accept', 'overload'];
