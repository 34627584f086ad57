import { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { expect } from 'chai';
import { ErrorInfo, RetryInfo } from '../../../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../../../src/gen/google/rpc/status.ts';
import { createRefusals } from '../../../../src/grpc/limits/refusals.ts';

const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Makes a stream that records the calls of its methods. */
const recordingStream = (closed = false) => {
  const done: unknown[][] = [];
  const stream = Object.assign(new EventEmitter(), {
    closed,
    respond: (...given: unknown[]) => void done.push(['respond', ...given]),
    close: (...given: unknown[]) => void done.push(['close', ...given]),
  });
  return { stream: stream as unknown as ServerHttp2Stream, done };
};

describe('createRefusals', () => {
  const limits = [
    'calls_waiting',
    'write_queue_age',
    'rpcs_per_connection',
    'message_bytes',
    'message_time',
  ] as const;
  for (const limit of limits) {
    it(`answers LIMIT_REACHED with a RetryInfo for ${limit}`, () => {
      const { stream, done } = recordingStream();
      createRefusals({ logger }).refuse(stream, limit);
      const [responded, closed] = done;
      const [, headers, options] = responded as [string, Record<string, string>, object];
      expect(headers).to.include({
        ':status': '200',
        'content-type': 'application/grpc+proto',
        'grpc-status': '8',
      });
      expect(options).to.deep.equal({ endStream: true });
      expect(closed).to.deep.equal(['close', 0]);
      const sent = Status.decode(Buffer.from(String(headers['grpc-status-details-bin']), 'base64'));
      expect(sent.message).to.equal(decodeURI(headers['grpc-message'] ?? ''));
      const [info, retry] = sent.details.map(({ value }) => Buffer.from(value));
      expect(ErrorInfo.decode(info ?? Buffer.alloc(0))).to.include({
        reason: 'LIMIT_REACHED',
        domain: 'callhooks',
      });
      expect(RetryInfo.decode(retry ?? Buffer.alloc(0)).retryDelay).to.deep.equal({ seconds: 1n, nanos: 0 });
    });
  }

  it('answers VALIDATION_FAILED for a message that is too large', () => {
    const { stream, done } = recordingStream();
    createRefusals({ logger }).refuseSize(stream, 4096);
    const [, headers] = done[0] as [string, Record<string, string>];
    expect(headers['grpc-status']).to.equal('3');
    expect(decodeURI(headers['grpc-message'] ?? '')).to.equal('the request is larger than 4 KiB');
  });

  it('only closes a stream that was answered already', () => {
    const { stream, done } = recordingStream();
    createRefusals({ logger }).refuse(Object.assign(stream, { headersSent: true }), 'message_bytes');
    expect(done).to.deep.equal([['close', 0]]);
  });

  it('does not answer on a closed stream', () => {
    const { stream, done } = recordingStream(true);
    const limits: string[] = [];
    createRefusals({ logger, onRefused: (limit) => limits.push(limit) }).refuse(stream, 'calls_waiting');
    expect(done).to.deep.equal([]);
    expect(limits).to.deep.equal(['calls_waiting']);
  });

  it('ignores an error of the stream after its answer', () => {
    const { stream } = recordingStream();
    createRefusals({ logger }).refuse(stream, 'calls_waiting');
    expect(() => stream.emit('error', new Error('the client is gone'))).not.to.throw();
  });
});
