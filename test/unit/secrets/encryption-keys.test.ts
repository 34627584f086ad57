import { expect } from 'chai';
import { formatEncryptionKey, parseEncryptionKeys } from '../../../src/secrets/encryption-keys.ts';

const key = (id: string, fill: number) => ({ id, bytes: Buffer.alloc(32, fill) });
const keyText = (id: string, fill: number) => formatEncryptionKey(key(id, fill));

describe('parseEncryptionKeys', () => {
  it('reads keys separated by commas and white space, in their order', () => {
    const { keys, problems } = parseEncryptionKeys(
      ` ${keyText('b', 1)},${keyText('a', 2)}\n${keyText('c-1_X', 3)}\n`,
    );
    expect(problems).to.deep.equal([]);
    expect(keys).to.deep.equal([key('b', 1), key('a', 2), key('c-1_X', 3)]);
  });

  const HALF = Buffer.alloc(16, 7).toString('base64');
  const FULL = Buffer.alloc(32, 7).toString('base64');
  const refused: [string, string, string][] = [
    ['a text without a key', ' , ', 'holds no key'],
    ['a key without an id', FULL, 'key 1 has no id'],
    ['an empty id', `:${FULL}`, 'key 1 has a bad id'],
    ['an id with a dot', `a.b:${FULL}`, 'key 1 has a bad id'],
    ['an id that is too long', `${'x'.repeat(33)}:${FULL}`, 'key 1 has a bad id'],
    ['a short key', `k:${HALF}`, 'key 1 (k) has 16 bytes, but needs 32'],
    ['a key in hex', `k:${'ab'.repeat(32)}`, 'key 1 (k) has 48 bytes, but needs 32'],
    ['a key that is not base64', 'k:hunter2!', 'key 1 (k) is not valid base64'],
    ['a key whose base64 lacks its padding', `k:${FULL.slice(0, -1)}`, 'key 1 (k) is not valid base64'],
    ['two keys with one id', `${keyText('k', 1)},${keyText('k', 2)}`, 'the id k is given twice'],
    ['one key with two ids', `${keyText('k', 1)},${keyText('l', 1)}`, 'the keys k and l are the same'],
  ];
  for (const [title, text, problem] of refused) {
    it(`refuses ${title}`, () => {
      const { problems } = parseEncryptionKeys(text);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain(problem);
      expect(problems[0]).not.to.contain('hunter2');
    });
  }

  it('returns every problem of a text with several', () => {
    expect(parseEncryptionKeys(`${FULL} k:${HALF} l:x`).problems).to.have.length(3);
  });
});
