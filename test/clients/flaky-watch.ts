import { Metadata, status, type ServerWritableStream, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../src/gen/index.callhooks.v1.ts';

type Stream = ServerWritableStream<pb.WatchExecutionsRequest, pb.WatchExecutionsResponse>;

const at = (second: number): Date => new Date(second * 1_000);

/** Makes the WatchExecutions of a flaky server, which counts its attempts in this map. */
export function createFlakyWatch(attempts: Map<string, number[]>) {
  const open = new Set<Stream>();
  let written = 0;
  let isHeld = false;

  const flood = (stream: Stream): void => {
    const message = pb.WatchExecutionsResponse.fromPartial({
      executions: [{ rejectReason: 'x'.repeat(64 * 1024) }],
    });
    while (!stream.cancelled) {
      written += 1;
      isHeld = !stream.write(message);
      if (isHeld) return void stream.once('drain', () => flood(stream));
    }
  };

  const serve = (stream: Stream): void => {
    const { conversationUuid, webhookUuid: wish, finishedAtFrom } = stream.request;
    const seen = attempts.get(conversationUuid) ?? [];
    attempts.set(conversationUuid, [...seen, performance.now()]);
    open.add(stream);
    stream.on('cancelled', () => open.delete(stream));
    if (wish === 'silent') return;
    if (wish === 'flood') return flood(stream);
    const attempt = seen.length + 1;
    const [, first = '', code = '', count] = /^(!?)(\w+)\*(\d+)$/.exec(wish) ?? [];
    const fails = attempt <= Number(count ?? 0);
    if (!fails || first === '') stream.write(messageOf(attempt, finishedAtFrom));
    if (!fails) return;
    open.delete(stream);
    stream.emit('error', failure(code, String(attempt)));
  };
  return { serve, openStreams: () => open.size, flood: () => ({ written, isHeld }) };
}

function messageOf(attempt: number, finishedAtFrom: Date | undefined): pb.WatchExecutionsResponse {
  const rejectReason = String(Number(finishedAtFrom ?? 0) / 1_000);
  return pb.WatchExecutionsResponse.fromPartial({
    executions: [attempt, attempt + 1].map((each) => ({
      executionUuid: String(each),
      finishedAt: at(10 * each),
      rejectReason,
    })),
    finishedAtTo: at(10 * attempt + 5),
  });
}

/** Returns the error of an attempt. With a pushback the server asks its client to wait so many milliseconds. */
export function failure(code: string, attempt: string, pushback?: string): ServiceError {
  const metadata = new Metadata();
  if (pushback !== undefined) metadata.set('grpc-retry-pushback-ms', pushback);
  const details = `attempt ${attempt}`;
  return Object.assign(new Error(details), {
    code: status[code as keyof typeof status],
    details,
    metadata,
  });
}
