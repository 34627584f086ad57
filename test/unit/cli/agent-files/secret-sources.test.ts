import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readYaml } from '../../../../src/cli/agent-files/read-yaml.ts';
import {
  readSecret,
  readSecretSources,
  type SecretSource,
} from '../../../../src/cli/agent-files/secret-sources.ts';

function sourcesIn(text: string) {
  const problems: string[] = [];
  const reader = {
    refuse: (field: string, _: number, problem: string) => problems.push(`${field} ${problem}`),
    place: () => undefined,
  };
  return { sources: [...readSecretSources(readYaml(text).root, reader)], problems };
}

describe('readSecretSources', () => {
  it('reads names with their sources', () => {
    expect(sourcesIn('A: { env: B }\nC: { file: ./d }')).to.deep.equal({
      sources: [
        ['A', { env: 'B' }],
        ['C', { file: './d' }],
      ],
      problems: [],
    });
  });

  const FORM = 'write { env: NAME } or { file: path }';
  const REFUSED: [text: string, problem: string][] = [
    ['A: abc', `secrets.A a file never holds the value of a secret: ${FORM}`],
    ['A: 12', `secrets.A a file never holds the value of a secret: ${FORM}`],
    ['A: { value: abc }', `secrets.A ${FORM}`],
    ['A: { env: B, file: c }', `secrets.A ${FORM}`],
    ['A: {}', `secrets.A ${FORM}`],
    ['A:', `secrets.A ${FORM}`],
    ['A: { files: b }', 'secrets.A has no source "files": did you mean file?'],
    ['A: { env: [b] }', 'secrets.A env must be the name of a variable'],
    ['A: { file: "" }', 'secrets.A file must be a path'],
    ['- A', `secrets must be a map of names to where the values come from: ${FORM}`],
  ];
  for (const [text, problem] of REFUSED)
    it(`refuses ${text}`, () => {
      expect(sourcesIn(text).problems).to.deep.equal([problem]);
    });

  it('refuses a name that no secret can have', () => {
    expect(sourcesIn('"a b": { env: B }').problems).to.have.lengthOf(1);
  });
});

describe('readSecret', () => {
  let dir: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'callhooks-secret-'));
    writeFileSync(join(dir, 'token'), 'abc\r\n');
    writeFileSync(join(dir, 'two'), 'a\nb\n\n');
    writeFileSync(join(dir, 'empty'), '\n');
    writeFileSync(join(dir, 'large'), 'x'.repeat(20_000));
    writeFileSync(join(dir, 'binary'), Buffer.from([0xff]));
    mkdirSync(join(dir, 'folder'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const ROWS: [source: SecretSource, result: object][] = [
    [{ env: 'SET' }, { value: 'abc' }],
    [{ env: 'EMPTY' }, { problem: 'needs the environment variable EMPTY, which is empty' }],
    [{ env: 'UNSET' }, { problem: 'needs the environment variable UNSET, which is not set' }],
    [{ file: 'token' }, { value: 'abc' }],
    [{ file: './two' }, { value: 'a\nb\n' }],
    [{ file: 'empty' }, { problem: 'needs the file empty, which is empty' }],
    [{ file: 'large' }, { problem: 'needs the file large, which is larger than 16384 bytes' }],
    [{ file: 'binary' }, { problem: 'needs the file binary, which is not UTF-8' }],
    [{ file: 'folder' }, { problem: 'needs the file folder, which is no file' }],
    [{ file: 'none' }, { problem: "needs the file none, which can't be read (ENOENT)" }],
    [{ file: '/dev/zero' }, { problem: 'needs the file /dev/zero, which is no file' }],
  ];
  for (const [source, result] of ROWS)
    it(`reads ${JSON.stringify(source)} as ${JSON.stringify(result)}`, () => {
      expect(readSecret(source, join(dir, 'agent.yaml'), { SET: 'abc', EMPTY: '' })).to.deep.equal(result);
    });
});
