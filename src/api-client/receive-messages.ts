import {
  status,
  type Client,
  type ClientReadableStream,
  type Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { CallhooksClientError, localError } from './client-error.ts';

/** The request of a stream. */
interface StreamRequest {
  readonly path: string;
  readonly request: Buffer;
  readonly headers: Metadata;
  readonly signal: AbortSignal | undefined;
}

/** A message has to come within this time, and the first one too. callhooks sends one every 10 s, or a little later. */
const MAX_SILENCE_MS = 120_000;

/**
 * Sends a request, and returns the bytes of each message of the stream that answers it. A stream that is read slowly is held
 * back. One that is not read to its end is cancelled. The first message has to come within `firstWithinMs`.
 * @throws CallhooksClientError; the reason of the signal when it is aborted
 */
export async function* receiveMessages(
  client: Client,
  { path, request, headers, signal }: StreamRequest,
  firstWithinMs: number = MAX_SILENCE_MS,
): AsyncGenerator<Buffer, void, undefined> {
  signal?.throwIfAborted();
  const bytesOf = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeServerStreamRequest(path, bytesOf, bytesOf, request, headers);
  // A cancelled stream ends with an error, which would end the process if nobody listened.
  stream.on('error', () => undefined);
  const onAbort = (): void => stream.cancel();
  signal?.addEventListener('abort', onAbort);
  try {
    for await (const bytes of withoutSilence(stream, firstWithinMs)) {
      signal?.throwIfAborted();
      yield bytes;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    stream.cancel();
  }
}

// A proxy can hold a stream open whose server is gone, and answer the pings of the client itself.
async function* withoutSilence(
  stream: ClientReadableStream<Buffer>,
  firstWithinMs: number,
): AsyncGenerator<Buffer, void, undefined> {
  const messages = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (let limitMs = firstWithinMs; ; limitMs = MAX_SILENCE_MS) {
    let isSilent = false;
    const timer = setTimeout(() => {
      isSilent = true;
      stream.cancel();
    }, limitMs);
    try {
      const next = await messages.next();
      if (next.done === true) return;
      clearTimeout(timer);
      yield next.value;
    } catch (error) {
      if (isSilent) throw localError(status.DEADLINE_EXCEEDED, `no message came within ${limitMs / 1000} s`);
      throw new CallhooksClientError(error as ServiceError);
    } finally {
      clearTimeout(timer);
    }
  }
}
