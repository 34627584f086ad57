import { parseConfig } from '../../src/config/config.ts';

// The outcomes of the executions that were cut off are recorded after the grace.
const RECORD_MS = 4_000;

/** How long a replica may take to stop with the default settings, in milliseconds. Whatever ends it has to wait longer. */
export const SHUTDOWN_MS = parseConfig({}, 1).shutdownGraceMs + RECORD_MS;
