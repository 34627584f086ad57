import { nameOf } from './execution-log.ts';
import type { Told } from './journal.ts';

/** What a caller was told, in a word or two: `SUCCEEDED`, `replayed ACCEPTED`, `SHUTTING_DOWN`, `UNAVAILABLE`. */
export const describeTold = (told: Told): string => {
  if (told.kind === 'error') return told.reason || told.code;
  return `${told.replayed ? 'replayed ' : ''}${nameOf(told.state)}`;
};
