// https://semver.org/spec/v2.0.0.html. The part after a plus has no precedence.
const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;

/**
 * Compares two releases by the precedence of Semantic Versioning. Returns a negative number when `a` is older than `b`. A
 * text that is no version is newer than every version, because only an unknown release can have written it.
 */
export function compareReleases(a: string, b: string): number {
  const [versionOfA, versionOfB] = [VERSION.exec(a), VERSION.exec(b)];
  if (versionOfA === null || versionOfB === null)
    return Number(versionOfA === null) - Number(versionOfB === null);
  for (const at of [1, 2, 3]) {
    const difference = Number(versionOfA[at]) - Number(versionOfB[at]);
    if (difference !== 0) return difference;
  }
  return comparePreReleases(versionOfA[4], versionOfB[4]);
}

// A release is newer than all of its pre-releases.
function comparePreReleases(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const [partsOfA, partsOfB] = [a.split('.'), b.split('.')];
  for (const [at, part] of partsOfA.entries()) {
    const other = partsOfB[at];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(part, other);
    if (difference !== 0) return difference;
  }
  return partsOfA.length - partsOfB.length;
}

// Numbers come before words.
function compareIdentifiers(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA && isNumberB) return Number(a) - Number(b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
