import { expect } from 'chai';
import { createSendOnce, isSendKey } from '../../../../../src/console/pages/try/send-once.ts';
import { CallhooksError } from '../../../../../src/errors.ts';
import { TestWebhookResponse } from '../../../../../src/gen/index.callhooks.v1.ts';

function counted() {
  let count = 0;
  const send = async () => {
    count += 1;
    return TestWebhookResponse.fromPartial({ rejectReason: `answer ${count}` });
  };
  return { send, count: () => count };
}

describe('createSendOnce', () => {
  it('sends a test, and returns its answer to each later request with the same key', async () => {
    const { run } = createSendOnce();
    const { send, count } = counted();
    const first = await run('key', send);
    const second = await run('key', send);
    expect(count()).to.equal(1);
    expect(first).to.include({ isRepeat: false });
    expect(second).to.include({ isRepeat: true, sentAt: first.sentAt });
    expect(second.reply?.rejectReason).to.equal('answer 1');
  });

  it('sends once for two requests at the same time', async () => {
    const { run } = createSendOnce();
    const { send, count } = counted();
    const answers = await Promise.all([run('key', send), run('key', send)]);
    expect(count()).to.equal(1);
    expect(answers.map(({ reply }) => reply?.rejectReason)).to.deep.equal(['answer 1', 'answer 1']);
  });

  it('sends for each key', async () => {
    const { run } = createSendOnce();
    const { send, count } = counted();
    await run('one', send);
    await run('other', send);
    expect(count()).to.equal(2);
  });

  it('sends again after a refusal', async () => {
    const { run } = createSendOnce();
    const refused = await run('key', () =>
      Promise.reject(new CallhooksError('LIMIT_REACHED', 'too many')),
    ).catch((error: CallhooksError) => error.reason);
    expect(refused).to.equal('LIMIT_REACHED');
    const { send, count } = counted();
    expect((await run('key', send)).isRepeat).to.equal(false);
    expect(count()).to.equal(1);
  });

  it('does not send again after an error of which nobody knows whether the test was sent', async () => {
    const { run } = createSendOnce();
    await run('key', () => Promise.reject(new Error('a bug'))).catch(() => undefined);
    const { send, count } = counted();
    const message = await run('key', send).catch((error: Error) => error.message);
    expect(message).to.equal('a bug');
    expect(count()).to.equal(0);
  });

  it('keeps the answers to the last 8 tests, and knows of older ones that they were sent', async () => {
    const { run } = createSendOnce();
    const { send, count } = counted();
    for (let i = 0; i < 9; i += 1) await run(`key ${i}`, send);
    const oldest = await run('key 0', send);
    expect(oldest).to.include({ reply: undefined, isRepeat: true });
    expect((await run('key 1', send)).reply?.rejectReason).to.equal('answer 2');
    expect(count()).to.equal(9);
  });
});

describe('isSendKey', () => {
  for (const [text, isKey] of [
    ['01a2222b-0382-7611-b78e-790dc3ade55e', true],
    ['', false],
    ['x', false],
  ] as const) {
    it(`returns ${isKey} for "${text}"`, () => {
      expect(isSendKey(text)).to.equal(isKey);
    });
  }
});
