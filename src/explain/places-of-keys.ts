import type { PathSegment } from '../domain/assignments/singular-query.ts';
import type { JsonValue } from '../domain/json.ts';
import { plainKey } from './nearest-keys.ts';

const MAX_PLACES = 3;
const MAX_VISITED = 5_000;
const MAX_ITEMS = 8;
// A path in an assignment has no more segments.
const MAX_DEPTH = 16;

/** A place in a body. Its path is read from its end. */
interface Place {
  readonly above: Place | undefined;
  readonly segment: PathSegment;
  readonly depth: number;
}

/**
 * Makes a function that returns the paths to a key in a body, 3 at most, those near the top first. Keys are alike when
 * {@link plainKey} makes the same of them. Of a list it looks at 8 items, and at 5,000 objects and lists in all.
 */
export function findPlacesOfKeys(body: JsonValue): (key: string) => PathSegment[][] | undefined {
  const places = new Map<string, Place[]>();
  const queue: { readonly value: JsonValue; readonly place: Place | undefined }[] = [
    { value: body, place: undefined },
  ];
  for (let at = 0; at < queue.length && at < MAX_VISITED; at += 1) {
    const { value, place: above } = queue[at] as (typeof queue)[number];
    const depth = (above?.depth ?? 0) + 1;
    for (const [segment, child] of childrenOf(value)) {
      const place = { above, segment, depth };
      if (segment.key !== undefined) add(places, plainKey(segment.key), place);
      const isOpen = typeof child === 'object' && child !== null && depth < MAX_DEPTH;
      if (isOpen && queue.length < MAX_VISITED) queue.push({ value: child, place });
    }
  }
  return (key) => places.get(plainKey(key))?.map(pathTo);
}

function add(places: Map<string, Place[]>, key: string, place: Place): void {
  const known = places.get(key);
  if (known === undefined) places.set(key, [place]);
  else if (known.length < MAX_PLACES) known.push(place);
}

function pathTo(place: Place): PathSegment[] {
  const path: PathSegment[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.above) path.push(at.segment);
  return path.toReversed();
}

function childrenOf(value: JsonValue): [PathSegment, JsonValue][] {
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item, index) => [{ index }, item]);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, child]) => [{ key }, child]);
}
