import { expect } from 'chai';
import type { SealedValue } from '../../../src/domain/agent.ts';
import { CallhooksError } from '../../../src/errors.ts';
import { createKeyring, UnsealError, type SealPlace } from '../../../src/secrets/keyring.ts';

const key = (id: string, fill: number) => ({ id, bytes: Buffer.alloc(32, fill) });
const PLACE: SealPlace = { table: 'agent_secrets', rowId: 'a-1', field: 'CRM_TOKEN' };

describe('createKeyring', () => {
  const keyring = createKeyring([key('new', 1), key('old', 2)]);

  for (const plain of ['secret', '', 'ключ 🔑', 'x'.repeat(4096)]) {
    it(`opens a value of ${Buffer.byteLength(plain)} bytes that it sealed`, () => {
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

  it('seals one text under a new nonce each time', () => {
    const nonces = Array.from({ length: 1000 }, () => keyring.seal('x', PLACE).sealed.slice(0, 16));
    expect(new Set(nonces).size).to.equal(1000);
  });

  it('keeps the stored form: base64 of a 12-byte nonce, the ciphertext and a 16-byte tag', () => {
    // Another program made this value (Python's cryptography, AESGCM). A change of the form would lose stored values.
    const stored = { keyId: 'old', sealed: 'AAECAwQFBgcICQoLC22DiLQ7rDcY6zJz6gyYtL5aYMupteJNO608Xp8=' };
    expect(keyring.open(stored, PLACE)).to.equal('Bearer s3cret');
    expect(Buffer.from(keyring.seal('12345', PLACE).sealed, 'base64')).to.have.length(12 + 5 + 16);
  });

  it('refuses a value of an unknown key as KEY_UNAVAILABLE', () => {
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
    it(`refuses to open a value that was moved to ${title}`, () => {
      const sealed = keyring.seal('x', PLACE);
      expect(() => keyring.open(sealed, place)).to.throw(UnsealError);
    });
  }

  it('refuses to open a value under the id of another key', () => {
    const sealed = { ...keyring.seal('x', PLACE), keyId: 'old' };
    expect(() => keyring.open(sealed, PLACE)).to.throw(UnsealError);
  });

  it('refuses to open a value with any bit changed or any byte cut off', () => {
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

  it('names the place and the key in its error, but not the value', () => {
    const sealed = keyring.seal('hunter2', PLACE);
    expect(() => keyring.open(sealed, { ...PLACE, rowId: 'a-2' })).to.throw(
      UnsealError,
      /^the value agent_secrets\|a-2\|CRM_TOKEN does not open with the key new$/,
    );
  });
});
