import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changelogProblems, sectionOf, versionsIn } from './changelog.ts';
import { frozenFile, frozenProblems, readFrozen, unfrozen, type Frozen } from './frozen.ts';
import { breaksOf, isBaselineFresh } from './proto-baseline.ts';
import { git, runTool } from './run-tool.ts';
import { newestOf, versionProblems } from './version.ts';

/** Returns everything that a look at the repository finds against a release of its version. */
export function releaseProblems(root: string, version: string, today: string): readonly string[] {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const released = git(root, 'tag', '--list', 'v*')
    .split('\n')
    .filter((tag) => /^v\d+\.\d+\.\d+$/.test(tag))
    .map((tag) => tag.slice(1));
  const last = newestOf(released.filter((other) => other !== version));
  const breaks = last === undefined ? '' : breaksOf(root, `v${last}`);
  const inSource = /'([^']+)'/.exec(readFileSync(join(root, 'src/version.ts'), 'utf8'))?.[1] ?? '';
  const adds = /^### Added$/m.test(sectionOf(changelog, version) ?? '');
  return [
    ...treeProblems(root),
    ...missingTags(changelog, version, released),
    ...versionProblems({ version, inSource, released, breaksClients: breaks !== '', adds }),
    ...changelogProblems(changelog, version, today),
    ...(isBaselineFresh(root)
      ? []
      : ['proto/baseline.binpb is not the API of this release: run make release-prepare']),
    ...unfrozen(root, readFrozen(root), version),
    ...frozenProblems(root, readFrozen(root)),
    ...(last === undefined ? [] : forgottenProblems(root, last)),
  ];
}

function treeProblems(root: string): readonly string[] {
  const branch = git(root, 'branch', '--show-current');
  const changes = git(root, 'status', '--porcelain');
  return [
    ...(branch === 'main' ? [] : [`this is the branch ${branch || '(none)'}: releases are made on main`]),
    ...(changes === '' ? [] : [`there are changes that are not committed:\n${changes}`]),
  ];
}

// A clone without tags would be compared with nothing.
function missingTags(changelog: string, version: string, released: readonly string[]): readonly string[] {
  return versionsIn(changelog)
    .filter((other) => other !== version && !released.includes(other))
    .map((other) => `CHANGELOG.md has [${other}], but there is no tag v${other}: run git fetch --tags`);
}

/** The checksums of the last release are those of its tag, so that nobody edits a migration together with its checksum. */
function forgottenProblems(root: string, last: string): readonly string[] {
  const path = frozenFile('.').replace(/^\.\//, '');
  const { status, stdout } = runTool(root, 'git', 'show', `v${last}:${path}`);
  if (status !== 0) return [`v${last} has no ${path}`];
  return frozenProblems(root, JSON.parse(String(stdout)) as Frozen);
}
