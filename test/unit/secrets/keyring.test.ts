import { expect } from 'chai';
import type { SealedValue } from '../../../src/domain/agent.ts';
import { CallhooksError, ConfigError } from '../../../src/errors.ts';
import { checkKeys } from '../../../src/secrets/check-keys.ts';
import { formatEncryptionKey, parseEncryptionKeys } from '../../../src/secrets/encryption-keys.ts';
import { createKeyring, UnsealError, type SealPlace } from '../../../src/secrets/keyring.ts';
import { memorySealedStore } from '../../support/memory-sealed-store.ts';

const key = (id: string, fill: number) => ({ id, bytes: Buffer.alloc(32, fill) });
const keyText = (id: string, fill: number) => formatEncryptionKey(key(id, fill));
const PLACE: SealPlace = { table: 'agent_secrets', rowId: 'a-1', field: 'CRM_TOKEN' };

describe('createKeyring', () => {
  const keyring = createKeyring([key('new', 1), key('old', 2)]);

  for (const plain of ['secret', '', 'ключ 🔑', 'x'.repeat(4096)]) {
    it(`opens what it sealed (${Buffer.byteLength(plain)} bytes)`, () => {
      expect(keyring.open(keyring.seal(plain, PLACE), PLACE)).to.equal(plain);
    });
  }

  it('encrypts with the first key', () => {
    expect(keyring.seal('x', PLACE).keyId).to.equal('new');
    expect(keyring.keyIds).to.deep.equal(['new', 'old']);
  });

  it('opens with every key', () => {
    const old = createKeyring([key('old', 2)]).seal('x', PLACE);
    expect(keyring.open(old, PLACE)).to.equal('x');
    expect([keyring.has('old'), keyring.has('none')]).to.deep.equal([true, false]);
  });

  it('seals under a fresh nonce each time', () => {
    const nonces = Array.from({ length: 1000 }, () => keyring.seal('x', PLACE).sealed.slice(0, 16));
    expect(new Set(nonces).size).to.equal(1000);
  });

  it('keeps the stored form: base64 of a nonce of 12 bytes, the ciphertext and a tag of 16', () => {
    // Made once with another program (Python's cryptography, AESGCM): a change of the form would lose stored values.
    const stored = { keyId: 'old', sealed: 'AAECAwQFBgcICQoLC22DiLQ7rDcY6zJz6gyYtL5aYMupteJNO608Xp8=' };
    expect(keyring.open(stored, PLACE)).to.equal('Bearer s3cret');
    expect(Buffer.from(keyring.seal('12345', PLACE).sealed, 'base64')).to.have.length(12 + 5 + 16);
  });

  it('answers KEY_UNAVAILABLE for a key that is not here', () => {
    const foreign = createKeyring([key('foreign', 9)]).seal('x', PLACE);
    expect(() => keyring.open(foreign, PLACE))
      .to.throw(CallhooksError)
      .with.property('reason', 'KEY_UNAVAILABLE');
  });

  const moved: [string, SealPlace][] = [
    ['another row', { ...PLACE, rowId: 'a-2' }],
    ['another field', { ...PLACE, field: 'OTHER' }],
    ['another table', { ...PLACE, table: 'webhook_headers' }],
  ];
  for (const [title, place] of moved) {
    it(`notices a value that was moved to ${title}`, () => {
      const sealed = keyring.seal('x', PLACE);
      expect(() => keyring.open(sealed, place)).to.throw(UnsealError);
    });
  }

  it('notices a value under the name of another key', () => {
    const sealed = { ...keyring.seal('x', PLACE), keyId: 'old' };
    expect(() => keyring.open(sealed, PLACE)).to.throw(UnsealError);
  });

  it('notices any changed bit and any cut', () => {
    const sealed = Buffer.from(keyring.seal('x', PLACE).sealed, 'base64');
    const damaged: Buffer[] = Array.from(sealed, (byte, at) => {
      const copy = Buffer.from(sealed);
      copy[at] = byte ^ 1;
      return copy;
    });
    for (let length = 0; length < sealed.length; length += 1) damaged.push(sealed.subarray(0, length));
    for (const bytes of damaged) {
      const value: SealedValue = { keyId: 'new', sealed: bytes.toString('base64') };
      expect(() => keyring.open(value, PLACE)).to.throw(UnsealError);
    }
  });

  it('names place and key in its error, not the value', () => {
    const sealed = keyring.seal('hunter2', PLACE);
    expect(() => keyring.open(sealed, { ...PLACE, rowId: 'a-2' })).to.throw(
      UnsealError,
      /^the value agent_secrets\|a-2\|CRM_TOKEN does not open with the key new$/,
    );
  });
});

describe('parseEncryptionKeys', () => {
  it('reads keys separated by commas and white space, in order', () => {
    const { keys, problems } = parseEncryptionKeys(
      ` ${keyText('b', 1)},${keyText('a', 2)}\n${keyText('c-1_X', 3)}\n`,
    );
    expect(problems).to.deep.equal([]);
    expect(keys).to.deep.equal([key('b', 1), key('a', 2), key('c-1_X', 3)]);
  });

  const HALF = Buffer.alloc(16, 7).toString('base64');
  const FULL = Buffer.alloc(32, 7).toString('base64');
  const refused: [string, string, string][] = [
    ['nothing', ' , ', 'holds no key'],
    ['a key without id', FULL, 'key 1 has no id'],
    ['an empty id', `:${FULL}`, 'key 1 has a bad id'],
    ['an id with other characters', `a.b:${FULL}`, 'key 1 has a bad id'],
    ['an id that is too long', `${'x'.repeat(33)}:${FULL}`, 'key 1 has a bad id'],
    ['a short key', `k:${HALF}`, 'key 1 (k) has 16 bytes, needs 32'],
    ['a key in hex', `k:${'ab'.repeat(32)}`, 'key 1 (k) has 48 bytes, needs 32'],
    ['text that is no base64', 'k:hunter2!', 'key 1 (k) is not valid base64'],
    ['base64 without its padding', `k:${FULL.slice(0, -1)}`, 'key 1 (k) is not valid base64'],
    ['one id twice', `${keyText('k', 1)},${keyText('k', 2)}`, 'the id k is given twice'],
    ['one key under two ids', `${keyText('k', 1)},${keyText('l', 1)}`, 'the keys k and l are the same'],
  ];
  for (const [title, text, problem] of refused) {
    it(`refuses ${title}`, () => {
      const { problems } = parseEncryptionKeys(text);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain(problem);
      expect(problems[0]).not.to.contain('hunter2');
    });
  }

  it('reports every problem', () => {
    expect(parseEncryptionKeys(`${FULL} k:${HALF} l:x`).problems).to.have.length(3);
  });
});

const refusal = async (promise: Promise<void>): Promise<readonly string[]> => {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ConfigError) return error.problems;
  throw new Error('was not refused', { cause: error });
};

describe('checkKeys', () => {
  it('stores a check value for each key, and passes again', async () => {
    const sealed = memorySealedStore();
    await checkKeys([key('a', 1), key('b', 2)], sealed);
    expect([...sealed.checks.keys()]).to.deep.equal(['a', 'b']);
    await checkKeys([key('b', 2), key('a', 1)], sealed);
  });

  it('refuses another key under a known id', async () => {
    const sealed = memorySealedStore();
    await checkKeys([key('a', 1)], sealed);
    expect(await refusal(checkKeys([key('a', 9)], sealed))).to.have.length(1);
  });

  it('refuses the second of two replicas that bring different keys of one id', async () => {
    const sealed = memorySealedStore();
    const results = await Promise.allSettled([
      checkKeys([key('a', 1)], sealed),
      checkKeys([key('a', 2)], sealed),
    ]);
    expect(results.map((result) => result.status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
  });

  it('names every missing and every wrong key', async () => {
    const sealed = memorySealedStore([
      ['gone', 3],
      ['lost', 1],
      ['unused', 0],
    ]);
    await checkKeys([key('a', 1)], memorySealedStore());
    await checkKeys([key('gone', 1), key('lost', 2), key('a', 1)], sealed);
    const problems = await refusal(checkKeys([key('a', 9)], sealed));
    expect(problems).to.have.length(3);
    expect(problems[0]).to.equal('the key gone is missing, with which 3 stored values are encrypted');
    expect(problems[2]).to.match(/^the key a is not the one/);
  });

  it('lets a key go that encrypts nothing any more', async () => {
    const sealed = memorySealedStore([['old', 0]]);
    await checkKeys([key('new', 1), key('old', 2)], sealed);
    await checkKeys([key('new', 1)], sealed);
  });
});
