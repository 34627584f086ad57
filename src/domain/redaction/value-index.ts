/** A part of a text: from the first offset to before the second one. */
export type Span = readonly [start: number, end: number];

/** Adds a span to spans in the order of their starts, and joins it with the last one where they overlap. */
export function addSpan(spans: [number, number][], [start, end]: Span): void {
  const last = spans.at(-1);
  if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
  else spans.push([start, end]);
}

/**
 * How many comparisons the search of one text may still take. When none are left, the searches stop, and their results
 * mean nothing.
 */
export interface SearchBudget {
  left: number;
}

/** Finds many values in a text, in one pass over it, however many there are. */
export interface ValueIndex {
  /** Reports whether any of the values is in a text. It says yes when the budget ends. */
  isAnyIn(text: string, budget: SearchBudget): boolean;
  /** Returns the places of all values in a text, in order, those that overlap as one. */
  findAll(text: string, budget: SearchBudget): readonly Span[];
  /** Returns where the longest beginning of a value starts that a text ends with, or undefined. */
  findAtEnd(text: string, budget: SearchBudget): number | undefined;
}

// At the end of a text that was cut, a beginning that is shorter than this gives nothing away.
const MIN_PART = 4;
// A value is recognized by its first characters, then compared. Longer windows find fewer candidates.
const MAX_WINDOW = 8;
const FILTER_SIZE = 1024;
// A comparison of long texts counts as one for each so many characters.
const UNITS_A_STEP = 8;

/**
 * Makes the index of values, none of them empty. It is the search of Rabin and Karp: a hash of the last characters moves
 * along the text, and only values that begin with the same hash are compared. A trie (Aho and Corasick) needs no budget,
 * but takes a node for each character of each value: megabytes for 32 long secrets, and milliseconds to make.
 */
export function createValueIndex(values: readonly string[]): ValueIndex {
  const window = values.reduce((least, value) => Math.min(least, value.length), MAX_WINDOW);
  const byHash = Map.groupBy(values, (value) => hashOf(value, window));
  const filter = new Uint8Array(FILTER_SIZE);
  for (const hash of byHash.keys()) filter[hash & (FILTER_SIZE - 1)] = 1;
  const visit = createScan(window, byHash, filter);
  const byBeginning = Map.groupBy(values, (value) => value.slice(0, MIN_PART));
  const longest = values.reduce((most, value) => Math.max(most, value.length), 0);
  return {
    isAnyIn: (text, budget) => visit(text, budget, () => false) || budget.left < 0,
    findAll: (text, budget) => {
      const spans: [number, number][] = [];
      visit(text, budget, (start, end) => {
        // Joined at once: a text of one letter would have a span for each of its characters.
        addSpan(spans, [start, end]);
        return true;
      });
      return spans;
    },
    findAtEnd: (text, budget) => {
      for (let at = Math.max(0, text.length - longest + 1); at + MIN_PART <= text.length; at += 1) {
        for (const value of byBeginning.get(text.slice(at, at + MIN_PART)) ?? []) {
          budget.left -= 1 + (text.length - at) / UNITS_A_STEP;
          if (budget.left < 0) return undefined;
          if (value.length > text.length - at && value.startsWith(text.slice(at))) return at;
        }
      }
      return undefined;
    },
  };
}

const BASE = 31;

function hashOf(text: string, length: number): number {
  let hash = 0;
  for (let i = 0; i < length; i += 1) hash = (Math.imul(hash, BASE) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Calls `onFound` for each value at each place until it returns false. Returns whether it did. */
type Scan = (text: string, budget: SearchBudget, onFound: (start: number, end: number) => boolean) => boolean;

function createScan(
  window: number,
  byHash: ReadonlyMap<number, readonly string[]>,
  filter: Uint8Array,
): Scan {
  let weight = 1;
  for (let i = 0; i < window; i += 1) weight = Math.imul(weight, BASE);
  return (text, budget, onFound) => {
    let hash = 0;
    for (let i = 0; i < text.length; i += 1) {
      hash = (Math.imul(hash, BASE) + text.charCodeAt(i)) | 0;
      if (i >= window) hash = (hash - Math.imul(text.charCodeAt(i - window), weight)) | 0;
      if (i + 1 < window || filter[hash & (FILTER_SIZE - 1)] === 0) continue;
      const start = i + 1 - window;
      for (const value of byHash.get(hash) ?? []) {
        if (!isAt(text, start, value, budget)) continue;
        if (!onFound(start, start + value.length)) return true;
      }
      if (budget.left < 0) return false;
    }
    return false;
  };
}

// The last character is compared first: a text of one repeated character then costs one step a place.
function isAt(text: string, start: number, value: string, budget: SearchBudget): boolean {
  budget.left -= 1;
  const last = value.length - 1;
  if (text.charCodeAt(start + last) !== value.charCodeAt(last)) return false;
  budget.left -= last / UNITS_A_STEP;
  return text.startsWith(value, start);
}
