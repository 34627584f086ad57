import { editDistance, nearestName } from '../../config/nearest-name.ts';

/** Returns `: did you mean …?` with the nearest of some names, or nothing when not even that one is similar. */
export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = nearestName(name, known);
  return editDistance(name, nearest) <= Math.max(2, name.length / 2) ? `: did you mean ${nearest}?` : '';
}
