import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { expect } from 'chai';
import { findAgentFiles, readTextFile } from '../../../../src/cli/agent-files/find-agent-files.ts';

describe('findAgentFiles', () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'callhooks-find-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const write = (name: string) => writeFileSync(join(dir, name), '');
  const found = () => {
    const { paths, problems } = findAgentFiles(dir);
    return {
      paths: paths.map((path) => relative(dir, path)),
      problems: problems.map(({ file, text }) => `${relative(dir, file)} ${text}`),
    };
  };

  it('finds YAML files in all folders, in alphabetical order, and leaves out hidden and other names', () => {
    mkdirSync(join(dir, 'team/.git'), { recursive: true });
    for (const name of [
      'b.yaml',
      'a.yml',
      'C.YAML',
      'README.md',
      '.hidden.yaml',
      'team/x.yaml',
      'team/.git/y.yaml',
    ])
      write(name);
    expect(found()).to.deep.equal({ paths: ['C.YAML', 'a.yml', 'b.yaml', 'team/x.yaml'], problems: [] });
  });

  it('follows links to files, as a mounted ConfigMap has them', () => {
    mkdirSync(join(dir, '..data'));
    write('..data/a.yaml');
    symlinkSync('..data/a.yaml', join(dir, 'a.yaml'));
    expect(found()).to.deep.equal({ paths: ['a.yaml'], problems: [] });
  });

  it('refuses links to folders, links to nothing, and folders with the name of a file', () => {
    mkdirSync(join(dir, 'folder.yaml'));
    write('folder.yaml/a.yaml');
    symlinkSync('..', join(dir, 'loop'));
    symlinkSync('nothing', join(dir, 'gone.yaml'));
    expect(found()).to.deep.equal({
      paths: ['folder.yaml/a.yaml'],
      problems: ['gone.yaml is a link to nothing', 'loop is a link to a folder, which is not followed'],
    });
  });

  it('refuses folders that lie too deep', () => {
    mkdirSync(join(dir, 'd/'.repeat(20)), { recursive: true });
    expect(found().problems.map((line) => line.replace(/^\S+ /, ''))).to.deep.equal([
      'lies more than 16 folders deep',
    ]);
  });
});

describe('readTextFile', () => {
  let dir: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'callhooks-read-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const ROWS: [title: string, content: Buffer, result: RegExp][] = [
    ['a text with a byte order mark without it', Buffer.from('\ufeffa: 1'), /^a: 1$/],
    ['bytes that are not UTF-8 as a problem', Buffer.from([0x61, 0xff]), /is not UTF-8/],
    ['a file of more than 8 MiB as a problem', Buffer.alloc(8 * 1024 * 1024 + 1, 0x20), /larger than 8 MiB/],
  ];
  for (const [title, content, result] of ROWS)
    it(`reads ${title}`, () => {
      writeFileSync(join(dir, 'a.yaml'), content);
      const read = readTextFile(join(dir, 'a.yaml'));
      expect('problem' in read ? read.problem.text : read.text).to.match(result);
    });

  it('reads a missing file as a problem', () => {
    expect(readTextFile(join(dir, 'b.yaml'))).to.have.nested.property(
      'problem.text',
      "can't be read (ENOENT)",
    );
  });
});
