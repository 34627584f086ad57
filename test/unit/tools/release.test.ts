import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MIGRATIONS } from '../../../migrations/index.ts';
import { changelogProblems } from '../../../scripts/release/changelog.ts';
import { frozenProblems, readFrozen } from '../../../scripts/release/frozen.ts';
import { versionProblems, type VersionFacts } from '../../../scripts/release/version.ts';

const ROOT = join(import.meta.dirname, '../../..');
const TODAY = '2026-12-01';

describe('what releases have frozen', () => {
  it('is as it was', () => {
    expect(frozenProblems(ROOT, readFrozen(ROOT))).to.deep.equal([]);
  });
});

describe('the version of the Python package', () => {
  it('is that of callhooks', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const project = readFileSync(join(ROOT, 'clients/python/pyproject.toml'), 'utf8');
    expect(/^version = "(.*)"$/m.exec(project)?.[1]).to.equal(version);
  });
});

describe('the changelog of a release', () => {
  const good =
    '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-12-01\n\n- a\n\n## [0.1.0] - 2026-11-01\n\n- b\n';
  const rows: readonly [title: string, from: string, to: string, problem: RegExp | undefined][] = [
    ['is good with a dated section behind an empty [Unreleased]', '', '', undefined],
    [
      'must have an empty [Unreleased]',
      '[Unreleased]\n',
      '[Unreleased]\n\n- c\n',
      /\[Unreleased\] is not empty/,
    ],
    ['must begin with [Unreleased]', '## [Unreleased]\n\n', '', /does not begin with \[Unreleased\]/],
    [
      'must have a section of the version',
      '[0.2.0]',
      '[0.3.0]',
      /has no section "## \[0\.2\.0\] - 2026-12-01"/,
    ],
    ['must have a date', '] - 2026-12-01', ']', /\[0\.2\.0\] has no date/],
    ['must have no date of the future', '2026-12-01', '2026-12-02', /of a later day than 2026-12-01/],
    ['must say something', '- a\n', '', /says nothing about \[0\.2\.0\]/],
  ];
  for (const [title, from, to, problem] of rows)
    it(title, () => {
      const problems = changelogProblems(good.replace(from, to), '0.2.0', TODAY);
      if (problem === undefined) expect(problems).to.deep.equal([]);
      else expect(problems.join('\n')).to.match(problem);
    });
});

describe('the version of a release', () => {
  const first = { version: '0.1.0', inSource: '0.1.0', released: [], breaksClients: false, adds: true };
  const after = (last: string, version: string, more: Partial<VersionFacts> = {}): VersionFacts => ({
    ...{ version, inSource: version, released: ['0.0.9', last], breaksClients: false, adds: false },
    ...more,
  });
  const rows: readonly [title: string, facts: VersionFacts, problem: RegExp | undefined][] = [
    ['0.1.0 is good as the first one', first, undefined],
    ['must be that of the sources', { ...first, inSource: '0.0.1' }, /src\/version\.ts says 0\.0\.1/],
    ['must have three numbers', { ...first, version: '0.1', inSource: '0.1' }, /0\.1 is no version/],
    ['must not be released', after('0.2.0', '0.2.0'), /v0\.2\.0 is released already/],
    [
      'must not be older than the last one',
      after('0.10.0', '0.9.0'),
      /older than the last release, 0\.10\.0/,
    ],
    ['0.1.1 may add something', after('0.1.0', '0.1.1', { adds: true }), undefined],
    ['0.1.1 must not break clients', after('0.1.0', '0.1.1', { breaksClients: true }), /is a minor one/],
    ['0.2.0 may break clients', after('0.1.0', '0.2.0', { breaksClients: true }), undefined],
    ['1.3.0 must not break clients', after('1.2.0', '1.3.0', { breaksClients: true }), /is a major one/],
    ['1.2.1 must not add anything', after('1.2.0', '1.2.1', { adds: true }), /after 1\.2\.0 is a minor one/],
    ['2.0.0 may do everything', after('1.2.0', '2.0.0', { adds: true, breaksClients: true }), undefined],
  ];
  for (const [title, facts, problem] of rows)
    it(title, () => {
      if (problem === undefined) expect(versionProblems(facts)).to.deep.equal([]);
      else expect(versionProblems(facts).join('\n')).to.match(problem);
    });
});

describe('a released migration', () => {
  const frozen = {
    migrations: {
      '0001_agents': { release: '0.1.0', sha256: 'x' },
      '0002_gone': { release: '0.1.0', sha256: 'y' },
    },
    fixtures: { '0.1.0/none.sql': { release: '0.1.0', sha256: 'z' } },
  };
  it('is reported when it was edited or removed, or when another one stands before it', () => {
    expect(frozenProblems(ROOT, frozen, MIGRATIONS)).to.deep.equal([
      'migration 0001_agents has changed: callhooks 0.1.0 has released it',
      'migration 0002_gone is gone: callhooks 0.1.0 has released it',
      'fixture 0.1.0/none.sql is gone: callhooks 0.1.0 has released it',
      'a migration stands before one that is released: add it at the end',
    ]);
  });
});
