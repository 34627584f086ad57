import { compareReleases } from '../../src/store/releases.ts';

/** What is known of a version that should be released. */
export interface VersionFacts {
  readonly version: string;
  /** The version in src/version.ts. */
  readonly inSource: string;
  /** The versions of all tags. */
  readonly released: readonly string[];
  /** Whether the proto files break clients of the last release. */
  readonly breaksClients: boolean;
  /** Whether the changelog has a section of this kind. */
  readonly adds: boolean;
}

type Change = 'major' | 'minor' | 'patch';

/** Returns the newest of these versions. */
export function newestOf(released: readonly string[]): string | undefined {
  return released.toSorted(compareReleases).at(-1);
}

/**
 * Returns why a version does not fit what it releases. From 1.0.0 on a break is a major version and an addition a minor one.
 * Before, a break is a minor version, as Semantic Versioning and its users have it.
 */
export function versionProblems(facts: VersionFacts): readonly string[] {
  const { version, inSource, released, breaksClients, adds } = facts;
  const last = newestOf(released);
  const problems = [];
  if (inSource !== version) problems.push(`src/version.ts says ${inSource}, and package.json ${version}`);
  if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`${version} is no version such as 1.2.3`);
  if (last === undefined) return problems;
  if (released.includes(version)) problems.push(`v${version} is released already`);
  else if (compareReleases(version, last) < 0)
    problems.push(`${version} is older than the last release, ${last}`);
  const made = changeBetween(last, version);
  const needed = neededChange(last, breaksClients, adds);
  if (RANK[made] < RANK[needed])
    problems.push(
      breaksClients
        ? `the proto files break clients of ${last} (buf breaking), so the next version is a ${needed} one`
        : `[${version}] adds something, so the next version after ${last} is a ${needed} one`,
    );
  return problems;
}

const RANK: Readonly<Record<Change, number>> = { patch: 0, minor: 1, major: 2 };

function changeBetween(from: string, to: string): Change {
  const [before, after] = [from, to].map((version) => version.split('.').map(Number)) as [number[], number[]];
  if (before[0] !== after[0]) return 'major';
  return before[1] === after[1] ? 'patch' : 'minor';
}

function neededChange(last: string, breaksClients: boolean, adds: boolean): Change {
  if (last.startsWith('0.')) return breaksClients ? 'minor' : 'patch';
  if (breaksClients) return 'major';
  return adds ? 'minor' : 'patch';
}
