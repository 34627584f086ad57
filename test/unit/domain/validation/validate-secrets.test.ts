import { expect } from 'chai';
import { validateSecrets, type SecretsChange } from '../../../../src/domain/validation/validate-secrets.ts';

const none: SecretsChange = {
  secrets: {},
  removeSecrets: [],
  storedNames: new Set(),
  signingNames: new Set(),
};
const check = (change: Partial<SecretsChange>) => validateSecrets({ ...none, ...change });
const fieldsOf = (change: Partial<SecretsChange>): string[] =>
  check(change).violations.map(({ field }) => field);
const many = (count: number, prefix = 'S'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const values = (names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, 'v']));
const keyOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

describe('validateSecrets', () => {
  const rows: [string, Partial<SecretsChange>, string[]][] = [
    ['accepts a secret', { secrets: { CRM: 'x' } }, []],
    [
      'refuses a name that no variable could have',
      { secrets: { 'a-b': 'x', call: 'x' } },
      ['secrets[a-b]', 'secrets[call]'],
    ],
    ['refuses an empty value', { secrets: { A: '' } }, ['secrets[A]']],
    ['accepts a value of 16 KiB', { secrets: { A: 'é'.repeat(8192) } }, []],
    ['refuses a value over 16 KiB', { secrets: { A: `${'é'.repeat(8192)}x` } }, ['secrets[A]']],
    ['accepts line breaks and blanks inside of a value', { secrets: { A: 'a\n b' } }, []],
    ['refuses a line break at the end', { secrets: { A: 'a\n' } }, ['secrets[A]']],
    ['refuses a carriage return at the end', { secrets: { A: 'a\r\n' } }, ['secrets[A]']],
    ['refuses a blank at the start', { secrets: { A: ' a' } }, ['secrets[A]']],
    ['refuses a no-break space at the end', { secrets: { A: 'a\u00a0' } }, ['secrets[A]']],
    ['refuses a byte order mark at the start', { secrets: { A: '\ufeffa' } }, ['secrets[A]']],
    ['refuses a value of blanks only', { secrets: { A: ' \t ' } }, ['secrets[A]']],
    ['refuses a mask', { secrets: { A: '••••••' } }, ['secrets[A]']],
    [
      'reports a bad name and a bad value of one secret',
      { secrets: { '1': '' } },
      ['secrets[1]', 'secrets[1]'],
    ],
    ['accepts 32 secrets', { secrets: values(many(32)) }, []],
    ['refuses 33 secrets', { secrets: values(many(33)) }, ['secrets']],
    [
      'counts the stored secrets',
      { secrets: values(many(2)), storedNames: new Set(many(31, 'T')) },
      ['secrets'],
    ],
    [
      'does not count a replaced secret twice',
      { secrets: values(many(2)), storedNames: new Set(many(32)) },
      [],
    ],
    [
      'does not count removed secrets',
      { secrets: values(many(2)), storedNames: new Set(many(32, 'T')), removeSecrets: ['T0', 'T1'] },
      [],
    ],
    ['accepts the removal of a secret that the agent does not have', { removeSecrets: ['GONE'] }, []],
    [
      'refuses a name that is both set and removed',
      { secrets: { A: 'x' }, removeSecrets: ['B', 'A'] },
      ['remove_secrets[1]'],
    ],
    ['refuses 33 removals', { removeSecrets: many(33) }, ['remove_secrets']],
    [
      'refuses a value that can not sign when a webhook signs with it',
      { secrets: { A: 'x' }, signingNames: new Set(['A']) },
      ['secrets[A]'],
    ],
    [
      'accepts a value that can sign when a webhook signs with it',
      { secrets: { A: keyOf(24) }, signingNames: new Set(['A']) },
      [],
    ],
  ];
  for (const [title, change, expected] of rows) {
    it(title, () => expect(fieldsOf(change)).to.deep.equal(expected));
  }

  it('never shows a value in a description', () => {
    const change = { secrets: { 'a-b': 'hunter2'.repeat(1000), A: 'hunter2' }, signingNames: new Set(['A']) };
    expect(JSON.stringify(check(change).violations)).not.to.contain('hunter2');
  });

  it('returns the names that the agent has afterwards', () => {
    const change = { secrets: { A: 'x' }, storedNames: new Set(['B', 'C']), removeSecrets: ['C', 'D'] };
    expect([...check(change).names].toSorted()).to.deep.equal(['A', 'B']);
  });
});

describe('validateSecrets, for a secret that signs', () => {
  const rows: [string, string, boolean][] = [
    ['accepts a key of 24 bytes', keyOf(24), true],
    ['accepts a key of 64 bytes', keyOf(64), true],
    ['refuses a key of 23 bytes', keyOf(23), false],
    ['refuses a key of 65 bytes', keyOf(65), false],
    ['refuses another prefix', keyOf(24).replace('whsec_', 'whpk_'), false],
    ['refuses no prefix', keyOf(24).slice('whsec_'.length), false],
    ['refuses base64url', `whsec_${Buffer.alloc(24, 0xff).toString('base64').replaceAll('/', '_')}`, false],
    ['refuses missing padding', keyOf(25).replaceAll('=', ''), false],
    ['refuses blanks at the end', `${keyOf(24)}\n`, false],
  ];
  for (const [title, value, fits] of rows) {
    it(title, () => {
      const isAccepted = fieldsOf({ secrets: { A: value }, signingNames: new Set(['A']) }).length === 0;
      expect(isAccepted).to.equal(fits);
    });
  }
});
