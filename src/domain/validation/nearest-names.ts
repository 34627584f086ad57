/** Returns declared names that a name may have been meant for, the nearest first. */
export type NearestNames = (name: string) => readonly string[];

// A body may hold thousands of unknown names, but only the first violations are ever shown.
const MAX_ASKED = 32;
const MAX_SHOWN = 3;

/**
 * Makes the function that returns the declared names nearest to one that is not declared, 3 at most. Case and the
 * characters `_` and `-` don't count, and a third of the characters may differ (Levenshtein distance, 3 at most). It
 * returns nothing more after it was asked 32 times.
 */
export function createNearestNames(declared: ReadonlySet<string>): NearestNames {
  let asked = 0;
  return (name) => {
    asked += 1;
    if (asked > MAX_ASKED) return [];
    const wanted = plain(name);
    const maxEdits = Math.min(3, Math.floor(wanted.length / 3));
    return [...declared]
      .map((known) => ({ known, edits: editsBetween(wanted, plain(known), maxEdits) }))
      .filter(({ edits }) => edits <= maxEdits)
      .toSorted((a, b) => a.edits - b.edits)
      .slice(0, MAX_SHOWN)
      .map(({ known }) => known);
  };
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

// Returns how many insertions, deletions and replacements of characters make one text the other; where they are more than
// `maxEdits`, some larger number.
function editsBetween(one: string, other: string, maxEdits: number): number {
  if (Math.abs(one.length - other.length) > maxEdits) return Infinity;
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    if (Math.min(...next) > maxEdits) return Infinity;
    row = next;
  }
  return row[other.length] as number;
}
