// A key of a body may be long, and there may be many of them.
const MAX_KEY_CHARS = 60;
// A part of a few characters says nothing.
const MIN_PART_CHARS = 2;
// A key that has `wanted` in it is nearer than one that needs a single edit, and farther than one that needs none.
const EDIT_OF_PART = 1 / (MAX_KEY_CHARS + 1);
// One bit of a number for each character.
const MAX_WANTED_CHARS = 32;

/** Returns a key in the form in which keys are compared: case and the characters `_` and `-` don't count. */
export function plainKey(key: string): string {
  return key.slice(0, MAX_KEY_CHARS).toLowerCase().replaceAll(/[_-]/g, '');
}

/**
 * Returns the keys that are nearest to `wanted`, the nearest first, `count` at most: first those that contain it or that it
 * contains (`full_name` for `name`), then those that need the fewest edits to become it. `plainKeys` are the keys as
 * {@link plainKey} returns them. The time it takes grows with the length of all keys.
 */
export function nearestKeys(
  keys: readonly string[],
  plainKeys: readonly string[],
  wanted: string,
  count: number,
): string[] {
  const plainWanted = plainKey(wanted).slice(0, MAX_WANTED_CHARS);
  const editsTo = createEditCounter(plainWanted);
  const best: { key: string; distance: number }[] = [];
  let worst = Infinity;
  for (const [index, plain] of plainKeys.entries()) {
    const isPart = isPartOf(plain, plainWanted) || isPartOf(plainWanted, plain);
    // Each missing character is an edit.
    if (!isPart && Math.abs(plain.length - plainWanted.length) >= worst) continue;
    const distance = editsTo(plain) * (isPart ? EDIT_OF_PART : 1);
    if (distance >= worst) continue;
    const place = best.findIndex((each) => distance < each.distance);
    best.splice(place === -1 ? best.length : place, 0, { key: keys[index] as string, distance });
    if (best.length > count) best.pop();
    if (best.length === count) worst = best.at(-1)?.distance ?? 0;
  }
  return best.map(({ key }) => key);
}

function isPartOf(part: string, whole: string): boolean {
  return part.length >= MIN_PART_CHARS && whole.includes(part);
}

/**
 * Makes a function that returns Levenshtein's distance between a text and `wanted`, which has 32 characters at most. It
 * computes a whole column of the table at once, in the bits of numbers: Heikki Hyyrö, "A Bit-Vector Algorithm for Computing
 * Levenshtein and Damerau Edit Distances" (2003).
 */
export function createEditCounter(wanted: string): (text: string) => number {
  const size = wanted.length;
  if (size === 0) return (text) => text.length;
  const places = new Map<number, number>();
  for (let at = 0; at < size; at += 1)
    places.set(wanted.charCodeAt(at), (places.get(wanted.charCodeAt(at)) ?? 0) | (1 << at));
  const last = 1 << (size - 1);
  return (text) => {
    let [plus, minus, edits] = [-1, 0, size];
    for (let at = 0; at < text.length; at += 1) {
      const equal = (places.get(text.charCodeAt(at)) ?? 0) | minus;
      const same = (((equal & plus) + plus) ^ plus) | equal;
      const rises = minus | ~(plus | same);
      const falls = plus & same;
      if ((rises & last) !== 0) edits += 1;
      else if ((falls & last) !== 0) edits -= 1;
      const risesNext = (rises << 1) | 1;
      plus = (falls << 1) | ~(risesNext | same);
      minus = risesNext & same;
    }
    return edits;
  };
}
