/** Returns the known name that is the fewest typing mistakes away from `name`. Expects at least one. */
export function nearestName(name: string, known: readonly string[]): string {
  return known.reduce((best, next) => (editDistance(name, next) < editDistance(name, best) ? next : best));
}

/** Returns Levenshtein's distance: how many characters have to be added, dropped or replaced. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
    }
    row = next;
  }
  return row[to.length]!;
}
