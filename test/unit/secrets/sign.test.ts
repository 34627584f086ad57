import { expect } from 'chai';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { signStandardWebhook } from '../../../src/secrets/sign.ts';

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
