import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { expect } from 'chai';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';
import { createArrivingMessages } from '../../../../src/grpc/limits/arriving-messages.ts';

const ignore = (): void => {};
const CALL = { received: ignore, decided: ignore, leave: ignore };

/** Makes the count with a budget of 1,000 bytes, which lists its refusals, and a stream to send bytes on. */
const countOf1000 = () => {
  const budget = createByteBudget(1_000);
  const refused: unknown[] = [];
  const messages = createArrivingMessages(budget, {
    refuse: (_, limit) => void refused.push(limit),
    refuseSize: (_, maxBytes) => void refused.push(maxBytes),
    flush: ignore,
  });
  const newStream = () =>
    Object.assign(new EventEmitter(), { pause: ignore }) as unknown as ServerHttp2Stream;
  const send = (stream: ServerHttp2Stream, bytes: number) => void stream.emit('data', Buffer.alloc(bytes));
  return { budget, refused, messages, newStream, send };
};

describe('createArrivingMessages', () => {
  it('reserves the bytes that have come until the stream ends', () => {
    const { budget, messages, newStream, send } = countOf1000();
    const stream = newStream();
    const message = messages.begin(stream, CALL, 500, true);
    send(stream, 100);
    send(stream, 200);
    expect(budget.reservedBytes()).to.equal(300);
    message.end();
    expect(budget.reservedBytes()).to.equal(0);
  });

  it('refuses a stream with more bytes than its method allows', () => {
    const { refused, messages, newStream, send } = countOf1000();
    const stream = newStream();
    messages.begin(stream, CALL, 100, true);
    send(stream, 105);
    expect(refused).to.deep.equal([]);
    send(stream, 1);
    expect(refused).to.deep.equal([100]);
  });

  it('refuses a stream whose bytes do not fit into the budget', () => {
    const { refused, messages, newStream, send } = countOf1000();
    const [one, other] = [newStream(), newStream()];
    messages.begin(one, CALL, 5_000, true);
    messages.begin(other, CALL, 5_000, true);
    send(one, 600);
    send(other, 400);
    expect(refused).to.deep.equal([]);
    send(other, 1);
    expect(refused).to.deep.equal(['message_bytes']);
  });

  it('reserves nothing for a reply whose stream has ended before', () => {
    const { budget, messages, newStream, send } = countOf1000();
    const stream = newStream();
    const message = messages.begin(stream, CALL, 500, true);
    send(stream, 100);
    message.end();
    expect([message.reserve(700), budget.reservedBytes()]).to.deep.equal([true, 0]);
  });

  it('reserves another number of bytes when the message has been measured, if they fit', () => {
    const { budget, messages, newStream, send } = countOf1000();
    const stream = newStream();
    const message = messages.begin(stream, CALL, 500, true);
    send(stream, 100);
    expect([message.reserve(1_001), budget.reservedBytes()]).to.deep.equal([false, 100]);
    expect([message.reserve(1_000), budget.reservedBytes()]).to.deep.equal([true, 1_000]);
    expect([message.reserve(0), budget.reservedBytes()]).to.deep.equal([true, 0]);
  });

  it('reserves an eighth of the budget for replies of streams at most, until they are read or their streams end', () => {
    const { budget, messages, newStream } = countOf1000();
    const [one, other] = [newStream(), newStream()].map((stream) => messages.begin(stream, CALL, 500, true));
    expect([one?.reserveForStream(100), other?.reserveForStream(26)]).to.deep.equal([true, false]);
    expect([other?.reserveForStream(25), budget.reservedBytes()]).to.deep.equal([true, 125]);
    one?.reserveForStream(0);
    expect([other?.reserveForStream(125), budget.reservedBytes()]).to.deep.equal([true, 125]);
    other?.end();
    expect([one?.reserveForStream(125), budget.reservedBytes()]).to.deep.equal([true, 125]);
  });
});
