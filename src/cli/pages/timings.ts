import type { Timings } from '../../gen/index.callhooks.v1.ts';
import { columns } from './page.ts';
import { durationText } from './words.ts';

const PHASES = [
  ['queued', 'queued', 'before the request'],
  ['dns', 'dns', 'to resolve the host name'],
  ['connect', 'connect', 'to connect'],
  ['tls', 'tls', 'for the TLS handshake'],
  ['firstByte', 'first byte', 'from the request until the response head'],
  ['total', 'total', 'in all'],
] as const satisfies readonly (readonly [keyof Timings, string, string])[];

/** Returns a line for each phase that happened. */
export function timingLines(timings: Timings | undefined): string[] {
  return columns(
    PHASES.flatMap(([key, name, meaning]) => {
      const duration = timings?.[key];
      return duration === undefined
        ? []
        : [[name, `${durationText(duration).padEnd(9)} ${meaning}`] as const];
    }),
  );
}
