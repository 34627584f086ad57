import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { signHmac, signStandardWebhook } from '../../../src/secrets/sign.ts';

// The example of the specification and its libraries.
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const message = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampSecs: 1_614_265_330,
  body: '{"test": 2432232314}',
};

describe('signStandardWebhook', () => {
  it('returns the signature of the published example', () => {
    expect(signStandardWebhook({ ...message, secrets: [SECRET] })).to.equal(SIGNATURE);
  });

  it('returns one signature for each secret, in their order, with a space between them', () => {
    const other = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
    const [first, second, ...more] = signStandardWebhook({ ...message, secrets: [other, SECRET] }).split(' ');
    expect([second, more]).to.deep.equal([SIGNATURE, []]);
    expect(first).to.match(/^v1,[A-Za-z0-9+/]{43}=$/);
  });

  it('returns what the official library returns, for any key, body and time', () => {
    const keys = fc.uint8Array({ minLength: 24, maxLength: 64 });
    const times = fc.integer({ min: 0, max: 4_102_444_800 });
    const texts = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(keys, fc.uuid(), times, texts, (key, id, timestampSecs, body) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        const official = new Webhook(secret).sign(id, new Date(timestampSecs * 1000), body);
        expect(signStandardWebhook({ id, timestampSecs, body, secrets: [secret] })).to.equal(official);
      }),
    );
  });

  it('returns an empty text without secrets', () => {
    expect(signStandardWebhook({ ...message, secrets: [] })).to.equal('');
  });
});

describe('signHmac', () => {
  // RFC 4231, test case 2, and RFC 2202, test case 2 of HMAC-SHA-1.
  const message = { key: 'Jefe', payload: 'what do ya want for nothing?', encoding: 'hex' } as const;
  const published = {
    sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    sha1: 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
    sha512:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  } as const;
  for (const hashAlgorithm of ['sha256', 'sha1', 'sha512'] as const) {
    it(`returns the published value of ${hashAlgorithm} as hex digits, and the same bytes as base64`, () => {
      const hex = signHmac({ ...message, hashAlgorithm });
      expect(hex).to.equal(published[hashAlgorithm]);
      const base64 = signHmac({ ...message, hashAlgorithm, encoding: 'base64' });
      expect(base64).to.equal(Buffer.from(hex, 'hex').toString('base64'));
    });
  }

  it('takes key and payload as UTF-8', () => {
    const bytes = createHmac('sha256', Buffer.from('schlüssel'))
      .update(Buffer.from('größe 👍'))
      .digest('hex');
    const text = { hashAlgorithm: 'sha256', encoding: 'hex', key: 'schlüssel', payload: 'größe 👍' } as const;
    expect(signHmac(text)).to.equal(bytes);
  });
});
