import { expect } from 'chai';
import { createKeyring } from '../../../src/secrets/keyring.ts';
import { createTextSeal } from '../../../src/secrets/text-seal.ts';

const key = (id: string, byte: number) => ({ id, bytes: Buffer.alloc(32, byte) });
const keyring = createKeyring([key('k-1_a', 1)]);
const seal = createTextSeal(keyring);

describe('createTextSeal', () => {
  it('opens what it sealed, in characters that cookies and forms take', () => {
    for (const text of ['', 'a', 'é\u0000 "€"', 'x'.repeat(500)]) {
      const sealed = seal.seal(text, 'console session');
      expect(sealed).to.match(/^k-1_a\.[A-Za-z0-9_-]+$/);
      expect(seal.open(sealed, 'console session')).to.equal(text);
    }
  });

  it('gives other bytes for the same text each time, and shows nothing of it', () => {
    const [one, other] = [seal.seal('secret text', 'console form'), seal.seal('secret text', 'console form')];
    expect(one).not.to.equal(other);
    expect(Buffer.from(one.split('.')[1] ?? '', 'base64url').toString('latin1')).not.to.include('secret');
  });

  it('opens nothing for another purpose, with another key, or that is no sealed text', () => {
    const sealed = seal.seal('text', 'console form');
    expect(seal.open(sealed, 'console session')).to.equal(undefined);
    for (const other of [key('k-1_a', 2), key('k2', 1)])
      expect(createTextSeal(createKeyring([other])).open(sealed, 'console form')).to.equal(undefined);
    for (const text of [
      '',
      '.',
      'k-1_a',
      'k-1_a.',
      `${sealed}=`,
      `${sealed} `,
      `x${sealed}`,
      `k-1_a.${'A'.repeat(2_000)}`,
    ])
      expect(seal.open(text, 'console form'), text).to.equal(undefined);
  });

  it('opens no value of the database, whose place has another name', () => {
    const place = { table: 'agent_secrets', rowId: 'console form', field: 'text' } as const;
    const { keyId, sealed } = keyring.seal('a secret', place);
    const text = `${keyId}.${Buffer.from(sealed, 'base64').toString('base64url')}`;
    expect(seal.open(text, 'console form')).to.equal(undefined);
  });
});
