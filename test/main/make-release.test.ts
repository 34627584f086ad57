import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runTool } from '../../scripts/release/run-tool.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('make release', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-release-'));
    const copied = ['src', 'migrations', 'proto', 'scripts', 'test/fixtures'];
    for (const name of [...copied, 'package.json', 'CHANGELOG.md', 'buf.yaml', '.gitignore'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, '.gitignore'), 'node_modules\nbuild/\n');
    // The steps that take long are tested by themselves.
    writeFileSync(
      join(folder, 'Makefile'),
      'check test-unit:\n\t@true\npackage:\n\t@mkdir build; touch build/callhooks.tgz; echo packed\n',
    );
    writeFileSync(join(folder, 'test/fixtures/releases/frozen.json'), '{ "migrations": {}, "fixtures": {} }');
    tool('git', 'init', '--quiet', '--initial-branch=main');
    for (const [name, value] of [
      ['user.name', 'A Test'],
      ['user.email', 'test@example.com'],
    ] as const)
      tool('git', 'config', name, value);
    write('package.json', /"version": "[^"]+"/, '"version": "0.1.0"');
    write('src/version.ts', /'[^']+'/, "'0.1.0'");
    write('CHANGELOG.md', /^[^]*$/, '# Changelog\n\n## [Unreleased]\n\n- a\n');
    commit();
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const tool = (program: string, ...args: readonly string[]): string => {
    const { status, text } = runTool(folder, program, ...args);
    if (status !== 0) throw new Error(text);
    return text;
  };
  const commit = (): void => {
    tool('git', 'add', '--all');
    tool('git', 'commit', '--quiet', '--message', 'a change');
  };
  const write = (file: string, from: RegExp | string, to: string): void => {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    const changed = text.replace(from, () => to);
    if (changed === text && !text.includes(to)) throw new Error(`${file} does not hold ${String(from)}`);
    writeFileSync(path, changed);
  };
  const script = (...args: readonly string[]) => runTool(folder, 'node', 'scripts/release.ts', ...args);

  it('prints all problems at once, tags a good release, and holds the next one to it', () => {
    write('CHANGELOG.md', '- a\n', '- b\n');
    write(
      'proto/callhooks/v1/agent.proto',
      'display_name = 2;',
      'display_name = 2;\n  // A test.\n  string color = 20;',
    );
    // A tag that is no version, although it begins with v.
    tool('git', 'tag', 'vendor-drop');
    const bad = script('--check');
    expect(bad.status, bad.text).to.equal(1);
    for (const problem of [
      'there are changes that are not committed',
      '[Unreleased] is not empty',
      'has no section "## [0.1.0] - ',
      'proto/baseline.binpb is not the API of this release: run make release-prepare',
      'frozen.json lacks 0001_agents, ',
    ])
      expect(bad.text).to.contain(problem);

    const today = new Date().toISOString().slice(0, 10);
    write('CHANGELOG.md', '- b\n', `## [0.1.0] - ${today}\n\n### Added\n\n- b\n`);
    expect(script('--prepare').status).to.equal(0);
    commit();
    const good = script('--check');
    expect(good.text).to.match(/callhooks 0\.1\.0 can be released$/);
    expect(good.text).to.contain('the package holds ');
    expect(bad.text).not.to.contain('endor-drop');
    tool('git', 'tag', '--delete', 'vendor-drop');
    expect(tool('git', 'tag')).to.equal('');
    expect(script().text).to.contain('packed\n  build/callhooks.tgz\ntagged v0.1.0 and gen/go/v0.1.0.');
    expect(tool('git', 'cat-file', 'tag', 'v0.1.0')).to.contain('callhooks 0.1.0\n\n### Added\n\n- b');

    // The next one changes what is released, and the checksums with it.
    expect(script('--prepare').text).to.contain('v0.1.0 is released: nothing of it changes');
    write('package.json', '"version": "0.1.0"', '"version": "0.1.1"');
    write('src/version.ts', '0.1.0', '0.1.1');
    write('migrations/0006_executions.ts', "instance: 'word',", "instance: 'text',");
    write('proto/callhooks/v1/agent.proto', 'string color = 20;', 'bool color = 20;');
    write('test/fixtures/releases/frozen.json', /^[^]*$/, '{ "migrations": {}, "fixtures": {} }');
    expect(script('--prepare').status).to.equal(0);
    commit();
    const next = script('--look');
    expect(next.status, next.text).to.equal(1);
    for (const problem of [
      'the proto files break clients of 0.1.0 (buf breaking), so the next version is a minor one',
      'migration 0006_executions has changed: callhooks 0.1.0 has released it',
      'test/fixtures/releases/0.1.1/ lacks mysql.json, ',
    ])
      expect(next.text).to.contain(problem);
    expect(next.text).not.to.contain('migration 0005');

    // A clone without tags would not see any of this.
    write('CHANGELOG.md', '## [0.1.0]', `## [0.1.1] - ${today}\n\n- c\n\n## [0.1.0]`);
    tool('git', 'tag', '--delete', 'v0.1.0');
    expect(script('--look').text).to.contain(
      'CHANGELOG.md has [0.1.0], but there is no tag v0.1.0: run git fetch --tags',
    );
  }).timeout(60_000);
});
