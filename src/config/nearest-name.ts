/** The known name that the fewest typing mistakes turn into this one. Expects at least one. */
export function nearestName(name: string, known: readonly string[]): string {
  const distance = (other: string) => editDistance(bare(name), bare(other));
  return known.reduce((best, next) => (distance(next) < distance(best) ? next : best));
}

// Not every variable has the prefix, and it is often given to one that has not.
const bare = (name: string) => name.replace(/^CALLHOOKS_/, '');

/** Levenshtein's distance: how many characters have to be added, dropped or replaced. */
function editDistance(from: string, to: string): number {
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
