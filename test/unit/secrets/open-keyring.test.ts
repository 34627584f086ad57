import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../../src/errors.ts';
import { keyFilePath } from '../../../src/secrets/key-file.ts';
import { openKeyring } from '../../../src/secrets/open-keyring.ts';
import type { Keyring, SealPlace } from '../../../src/secrets/keyring.ts';
import { memorySealedStore } from '../../support/memory-sealed-store.ts';

const PLACE: SealPlace = { table: 'agent_secrets', rowId: 'a-1', field: 'TOKEN' };

const problem = async (opening: Promise<Keyring>): Promise<string> => {
  const error: unknown = await opening.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigError) return error.problems.join('; ');
  throw new Error('was not refused', { cause: error });
};

describe('openKeyring', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'callhooks-key-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  const open = (sealed = memorySealedStore(), keys?: { id: string; bytes: Buffer }[]): Promise<Keyring> =>
    openKeyring({ keys, dataDir, sealed });
  it('makes a key file of mode 0600 and no other file', async () => {
    const before = process.umask(0);
    try {
      await open();
    } finally {
      process.umask(before);
    }
    expect(readdirSync(dataDir)).to.deep.equal(['encryption.key']);
    expect(statSync(keyFilePath(dataDir)).mode & 0o777).to.equal(0o600);
  });

  it('opens at the next start a value that was sealed before', async () => {
    const sealed = memorySealedStore();
    const value = (await open(sealed)).seal('s3cret', PLACE);
    expect((await open(sealed)).open(value, PLACE)).to.equal('s3cret');
  });

  it('makes a new key for each folder', async () => {
    const first = await open();
    rmSync(keyFilePath(dataDir));
    expect((await open()).keyIds).not.to.deep.equal(first.keyIds);
  });

  it('ignores a draft of the key file that a crash left behind', async () => {
    writeFileSync(`${keyFilePath(dataDir)}.new`, 'k1:half');
    await open();
    expect(readdirSync(dataDir)).to.deep.equal(['encryption.key']);
  });

  it('refuses to make a new key when encrypted values are stored', async () => {
    const sealed = memorySealedStore([['file-1', 2]]);
    expect(await problem(open(sealed))).to.match(
      /^2 stored values are encrypted \(file-1\), but the key file .* is missing/,
    );
    expect(readdirSync(dataDir)).to.deep.equal([]);
  });

  for (const mode of [0o604, 0o602, 0o666]) {
    it(`refuses a key file of mode 0${mode.toString(8)}`, async () => {
      await open();
      chmodSync(keyFilePath(dataDir), mode);
      expect(await problem(open())).to.contain('chmod 600');
    });
  }

  it('accepts a key file that its group may read, because volumes of containers have such files', async () => {
    const { keyIds } = await open();
    chmodSync(keyFilePath(dataDir), 0o660);
    expect((await open()).keyIds).to.deep.equal(keyIds);
  });

  it('refuses a damaged key file without printing it', async () => {
    writeFileSync(keyFilePath(dataDir), 'file-1:hunter2', { mode: 0o600 });
    const text = await problem(open());
    expect(text).to.match(
      /is damaged: key 1 \(file-1\) is not valid base64|is damaged: key 1 \(file-1\) has/,
    );
    expect(text).not.to.contain('hunter2');
  });

  it('refuses the key file of another database', async () => {
    const sealed = memorySealedStore();
    await open(sealed);
    const text = readFileSync(keyFilePath(dataDir), 'utf8');
    const [id = ''] = text.split(':');
    writeFileSync(keyFilePath(dataDir), `${id}:${Buffer.alloc(32, 3).toString('base64')}`);
    expect(await problem(open(sealed))).to.contain(`the key ${id} is not the one`);
  });

  it('makes no key file when the settings hold the keys', async () => {
    const keyring = await open(memorySealedStore(), [{ id: 'k1', bytes: Buffer.alloc(32, 1) }]);
    expect(keyring.keyIds).to.deep.equal(['k1']);
    expect(readdirSync(dataDir)).to.deep.equal([]);
  });
});
