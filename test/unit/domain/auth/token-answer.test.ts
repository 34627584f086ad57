import { expect } from 'chai';
import { readErrorCode, readTokenAnswer } from '../../../../src/domain/auth/token-answer.ts';

function answerOf(body: unknown, status = 200) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: [], body: Buffer.from(text) };
}

const FIVE_MINUTES_MS = 300_000;
const A_DAY_MS = 86_400_000;

describe('readTokenAnswer', () => {
  it('returns the token and its lifetime', () =>
    expect(
      readTokenAnswer(answerOf({ access_token: 'a.b-c_d~e+f/g==', token_type: 'Bearer', expires_in: 3600 })),
    ).to.deep.equal({ ok: true, value: 'a.b-c_d~e+f/g==', lifetimeMs: 3_600_000 }));

  for (const token_type of ['bearer', 'BEARER', undefined])
    it(`accepts the type ${token_type ?? 'that is missing'}`, () =>
      expect(readTokenAnswer(answerOf({ access_token: 't', token_type })).ok).to.equal(true));

  const LIFETIMES: readonly [unknown, number][] = [
    [60, 60_000],
    [0.5, 500],
    ['60', 60_000],
    [' 60 ', 60_000],
    [1e9, A_DAY_MS],
    ['123456789012345678901234567890', A_DAY_MS],
    [undefined, FIVE_MINUTES_MS],
    [null, FIVE_MINUTES_MS],
    ['', FIVE_MINUTES_MS],
    ['soon', FIVE_MINUTES_MS],
    [0, FIVE_MINUTES_MS],
    [-1, FIVE_MINUTES_MS],
    [true, FIVE_MINUTES_MS],
    [[60], FIVE_MINUTES_MS],
  ];
  for (const [expires_in, lifetimeMs] of LIFETIMES)
    it(`reads expires_in ${JSON.stringify(expires_in)} as ${lifetimeMs / 1_000} s`, () =>
      expect(readTokenAnswer(answerOf({ access_token: 't', expires_in }))).to.deep.include({ lifetimeMs }));

  it('reads an expires_in that no double can hold exactly as a day', () =>
    expect(readTokenAnswer(answerOf('{"access_token":"t","expires_in":9007199254740993}'))).to.deep.include({
      lifetimeMs: A_DAY_MS,
    }));

  const PROBLEMS: readonly [string, unknown, string][] = [
    ['an HTML page', '<html>', 'is not JSON'],
    ['a form', 'access_token=secret&token_type=bearer', 'is not JSON'],
    ['deep JSON', '['.repeat(65) + ']'.repeat(65), 'is not JSON'],
    ['no body', '', 'has no access_token'],
    ['an array', ['secret'], 'has no access_token'],
    ['a string', '"secret"', 'has no access_token'],
    ['null', 'null', 'has no access_token'],
    ['an empty token', { access_token: '' }, 'has no access_token'],
    ['a token that is a number', { access_token: 12 }, 'has no access_token'],
    ['a token that is an inherited name', { toString: 1 }, 'has no access_token'],
    ['another type', { access_token: 't', token_type: 'mac' }, 'has a token_type other than Bearer'],
    ['a type that is no text', { access_token: 't', token_type: null }, 'has a token_type other than Bearer'],
    [
      'a line break',
      { access_token: 'a\r\nx: y' },
      'has an access_token with characters other than visible ASCII',
    ],
    [
      'a line feed at the end',
      { access_token: 'a\n' },
      'has an access_token with characters other than visible ASCII',
    ],
    ['a blank', { access_token: 'a b' }, 'has an access_token with characters other than visible ASCII'],
    [
      'a letter beyond ASCII',
      { access_token: 'ä' },
      'has an access_token with characters other than visible ASCII',
    ],
    ['8 KiB and one byte', { access_token: 'a'.repeat(8_193) }, 'has an access_token larger than 8 KiB'],
  ];
  for (const [name, body, problem] of PROBLEMS)
    it(`refuses ${name}`, () =>
      expect(readTokenAnswer(answerOf(body))).to.deep.equal({ ok: false, problem }));

  it('accepts a token of 8 KiB', () =>
    expect(readTokenAnswer(answerOf({ access_token: 'a'.repeat(8_192) })).ok).to.equal(true));
});

describe('readErrorCode', () => {
  it('returns the error of a refusal', () =>
    expect(readErrorCode(answerOf({ error: 'invalid_client', error_description: 'x' }, 401))).to.equal(
      'invalid_client',
    ));

  for (const body of [
    { error: 'two words' },
    { error: 'a'.repeat(65) },
    { error: '' },
    { error: 'line\nbreak' },
    { error: 'invalid_client\n' },
    { error: { code: 'x' } },
    {},
    'nothing',
    '',
  ])
    it(`returns undefined for ${JSON.stringify(body).slice(0, 40)}`, () =>
      expect(readErrorCode(answerOf(body, 400))).to.equal(undefined));
});
