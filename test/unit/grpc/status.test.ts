import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import type { ErrorDetails, Reason } from '../../../src/errors.ts';
import { CallhooksError, DatabaseError, REASONS, validationFailed } from '../../../src/errors.ts';
import * as rpc from '../../../src/gen/google/rpc/error_details.ts';
import { Status } from '../../../src/gen/google/rpc/status.ts';
import { cutText } from '../../../src/grpc/error-details.ts';
import { type ErrorStatus, toErrorStatus } from '../../../src/grpc/status.ts';

const REQUEST_ID = '0198c0de-0000-7000-8000-000000000001';
const reasons = Object.keys(REASONS) as Reason[];

const decode = ({ metadata }: ErrorStatus): Status =>
  Status.decode(metadata.get('grpc-status-details-bin')[0] as Buffer);

const find = <T>(ended: ErrorStatus, name: string, type: { decode(bytes: Uint8Array): T }): T | undefined => {
  const found = decode(ended).details.find(
    ({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`,
  );
  return found && type.decode(found.value);
};

/** Counts the bytes of the trailers as HTTP/2 does (RFC 9113, 6.5.2). */
const trailerBytes = ({ code, details, metadata }: ErrorStatus): number => {
  const headers = { 'grpc-status': code, 'grpc-message': encodeURI(details), ...metadata.toHttp2Headers() };
  const standard = { ':status': 200, 'content-type': 'application/grpc+proto' };
  return Object.entries({ ...standard, ...headers })
    .map(([name, value]) => name.length + String(value).length + 32)
    .reduce((sum, bytes) => sum + bytes, 0);
};

describe('toErrorStatus', () => {
  for (const reason of reasons) {
    it(`returns ${REASONS[reason]} with an ErrorInfo for ${reason}`, () => {
      const ended = toErrorStatus(new CallhooksError(reason, 'what happened'), REQUEST_ID);
      expect(ended.code).to.equal(status[REASONS[reason]]);
      expect(ended.details).to.equal('what happened');
      expect(ended.reason).to.equal(reason);
      const { code, message } = decode(ended);
      expect({ code, message }).to.deep.equal({ code: status[REASONS[reason]], message: 'what happened' });
      expect(find(ended, 'ErrorInfo', rpc.ErrorInfo)).to.deep.equal({
        reason,
        domain: 'callhooks',
        metadata: {},
      });
    });
  }

  const detailed: [string, ErrorDetails, (ended: ErrorStatus) => unknown, unknown][] = [
    [
      'ResourceInfo',
      { resource: { type: 'agent', name: 'a-1' } },
      (ended) => find(ended, 'ResourceInfo', rpc.ResourceInfo),
      { resourceType: 'agent', resourceName: 'a-1', owner: '', description: '' },
    ],
    [
      'PreconditionFailure',
      { preconditions: [{ subject: 'secret.KEY', description: 'is used' }] },
      (ended) => find(ended, 'PreconditionFailure', rpc.PreconditionFailure)?.violations,
      [{ type: 'SECRET_IN_USE', subject: 'secret.KEY', description: 'is used' }],
    ],
    [
      'RetryInfo',
      { retryAfterMs: 1500 },
      (ended) => find(ended, 'RetryInfo', rpc.RetryInfo),
      { retryDelay: { seconds: 1n, nanos: 500_000_000 } },
    ],
    [
      'BadRequest',
      { violations: [{ field: 'agent.webhooks[0].disabled', description: 'is wrong' }] },
      (ended) => find(ended, 'BadRequest', rpc.BadRequest)?.fieldViolations,
      [
        {
          field: 'agent.webhooks[0].disabled',
          description: 'is wrong',
          reason: '',
          localizedMessage: undefined,
        },
      ],
    ],
  ];
  for (const [name, details, read, expected] of detailed) {
    it(`puts ${name} into the details`, () => {
      const ended = toErrorStatus(new CallhooksError('SECRET_IN_USE', 'no', details), REQUEST_ID);
      expect(read(ended)).to.deep.equal(expected);
    });
  }

  const pushbackOf = (reason: Reason, retryAfterMs?: number) => {
    const details = retryAfterMs === undefined ? {} : { retryAfterMs };
    const { metadata } = toErrorStatus(new CallhooksError(reason, 'no', details), REQUEST_ID);
    return metadata.get('grpc-retry-pushback-ms').map(Number);
  };

  it('asks for a pause of the delay and up to half more where nothing was accepted', () => {
    for (const reason of ['LIMIT_REACHED', 'SHUTTING_DOWN', 'KEY_UNAVAILABLE'] as const) {
      const pauses = Array.from({ length: 100 }, () => pushbackOf(reason, 1000)[0] ?? 0);
      expect(Math.min(...pauses), reason).to.be.within(1000, 1250);
      expect(Math.max(...pauses), reason).to.be.within(1250, 1500);
    }
  });

  it('asks for no pause where the request may have taken effect, or no delay is known', () => {
    const others = reasons.filter(
      (reason) => !['LIMIT_REACHED', 'SHUTTING_DOWN', 'KEY_UNAVAILABLE'].includes(reason),
    );
    expect(others.flatMap((reason) => pushbackOf(reason, 1000))).to.deep.equal([]);
    expect(pushbackOf('LIMIT_REACHED')).to.deep.equal([]);
  });

  it('counts all violations and lists the first ones, up to 4 KiB', () => {
    const violations = Array.from({ length: 500 }, (_, index) => ({
      field: `assignments[${index}]`,
      description: 'x'.repeat(60),
    }));
    const ended = toErrorStatus(validationFailed(violations), REQUEST_ID);
    const listed = find(ended, 'BadRequest', rpc.BadRequest)?.fieldViolations ?? [];
    expect(find(ended, 'ErrorInfo', rpc.ErrorInfo)?.metadata).to.deep.equal({ violations: '500' });
    expect(listed.length).to.be.within(40, 60);
    expect(listed.map(({ field }) => field)).to.deep.equal(
      violations.slice(0, listed.length).map(({ field }) => field),
    );
  });

  const wide = '😀'.repeat(100_000);
  const greedy: [string, ErrorDetails][] = [
    ['violations', { violations: Array.from({ length: 100 }, () => ({ field: wide, description: wide })) }],
    [
      'preconditions',
      { preconditions: Array.from({ length: 100 }, () => ({ subject: wide, description: wide })) },
    ],
    ['a resource', { resource: { type: 'webhook', name: wide }, retryAfterMs: 1000 }],
    [
      'everything at once',
      {
        violations: Array.from({ length: 4000 }, () => ({ field: 'f', description: 'd' })),
        preconditions: [{ subject: wide, description: wide }],
        resource: { type: 'webhook', name: wide },
        retryAfterMs: 1,
      },
    ],
  ];
  for (const [what, details] of greedy) {
    it(`keeps the trailers below 8 KiB with ${what}`, () => {
      expect(
        trailerBytes(toErrorStatus(new CallhooksError('AGENT_EXISTS', wide, details), REQUEST_ID)),
      ).to.be.below(8192);
    });
  }

  it('replaces lone surrogates, which encodeURI in grpc-js refuses', () => {
    const ended = toErrorStatus(new CallhooksError('AGENT_NOT_FOUND', 'half \ud83d'), REQUEST_ID);
    expect(encodeURI(ended.details)).to.equal(encodeURI('half \ufffd'));
  });

  const closed: [string, unknown][] = [
    ['an Error', new Error('insert into agents values (secret)')],
    ['an Error with a gRPC code', Object.assign(new Error('secret'), { code: 5, details: 'secret' })],
    ['a bug in a statement', new DatabaseError('bug', new Error('secret'))],
    ['a bad row', new DatabaseError('row', new Error('secret'))],
    ['a string', 'secret'],
    ['undefined', undefined],
  ];
  for (const [what, error] of closed) {
    it(`returns only the request's id for ${what}`, () => {
      const ended = toErrorStatus(error, REQUEST_ID);
      expect(ended.code).to.equal(status.INTERNAL);
      expect(ended.details).to.equal('internal error');
      expect(ended.cause).to.equal(error);
      expect(decode(ended).details.map(({ typeUrl }) => typeUrl)).to.deep.equal([
        'type.googleapis.com/google.rpc.RequestInfo',
      ]);
      expect(find(ended, 'RequestInfo', rpc.RequestInfo)?.requestId).to.equal(REQUEST_ID);
      expect(JSON.stringify(ended.metadata.toJSON())).not.to.contain('secret');
    });
  }

  for (const kind of ['away', 'conflict', 'full'] as const) {
    it(`returns DATABASE_UNAVAILABLE without its cause for a database error of kind ${kind}`, () => {
      const ended = toErrorStatus(new DatabaseError(kind, new Error('Connection lost: db-7')), REQUEST_ID);
      expect(ended.reason).to.equal('DATABASE_UNAVAILABLE');
      expect(find(ended, 'RetryInfo', rpc.RetryInfo)?.retryDelay?.seconds).to.equal(1n);
      expect(ended.details).not.to.contain('db-7');
      expect(ended.cause).to.be.instanceOf(DatabaseError);
    });
  }

  it('returns LIMIT_REACHED for a database error of kind busy, because nothing was recorded', () => {
    const ended = toErrorStatus(new DatabaseError('busy', new Error('pool of db-7 is full')), REQUEST_ID);
    expect(ended.reason).to.equal('LIMIT_REACHED');
    expect(find(ended, 'RetryInfo', rpc.RetryInfo)?.retryDelay?.seconds).to.equal(1n);
    expect(ended.details).not.to.contain('db-7');
  });
});

describe('cutText', () => {
  const rows: [string, number, string][] = [
    ['abc', 3, 'abc'],
    ['abc', 2, 'ab'],
    ['aé', 2, 'a'],
    ['a😀b', 4, 'a'],
    ['a😀b', 5, 'a😀'],
    ['\ud83d', 3, '\ufffd'],
    ['', 3, ''],
  ];
  for (const [text, maxBytes, expected] of rows) {
    it(`cuts ${JSON.stringify(text)} to ${maxBytes} bytes`, () =>
      expect(cutText(text, maxBytes)).to.equal(expected));
  }
});
