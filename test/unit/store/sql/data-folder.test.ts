import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDataFolder } from '../../../../src/store/sql/data-folder.ts';
import { openSqliteFile } from '../../../../src/store/sql/sqlite-file.ts';

describe('openDataFolder', () => {
  let parent: string;
  let dataDir: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'callhooks-folder-'));
    dataDir = join(parent, 'data');
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  /** Opens folder and database, writes a row, and returns the modes of all files, in octal. */
  function modesWhileOpen(): Record<string, string> {
    const folder = openDataFolder(dataDir);
    const database = openSqliteFile(folder.databaseFile);
    try {
      database.change('CREATE TABLE IF NOT EXISTS t (a INTEGER)');
      const names = readdirSync(dataDir).toSorted();
      return Object.fromEntries(names.map((name) => [name, modeOf(join(dataDir, name))]));
    } finally {
      database.close();
      folder.release();
    }
  }

  it('makes a folder that only its owner may open', () => {
    openDataFolder(dataDir).release();
    expect(modeOf(dataDir)).to.equal('700');
  });

  it('makes database, WAL and shared memory with mode 0600 in a folder of mode 0755', () => {
    mkdirSync(dataDir);
    chmodSync(dataDir, 0o755);
    const modes = modesWhileOpen();
    expect(Object.keys(modes)).to.include.members(['callhooks.db', 'callhooks.db-shm', 'callhooks.db-wal']);
    expect([...new Set(Object.values(modes))]).to.deep.equal(['600']);
  });

  it('takes the rights of everybody else from files that are there, and keeps those of the group', () => {
    mkdirSync(dataDir);
    for (const [name, mode] of [
      ['callhooks.db', 0o644],
      ['callhooks.lock.db', 0o666],
    ] as const) {
      writeFileSync(join(dataDir, name), '');
      chmodSync(join(dataDir, name), mode);
    }
    expect(modesWhileOpen()).to.include({ 'callhooks.db': '640', 'callhooks.lock.db': '660' });
  });
});

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}
