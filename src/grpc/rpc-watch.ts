import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';

/** Is called with each RPC that has ended: its path without the first slash, as the client sent it, and its status code. */
export type OnRpc = (method: string, code: string, seconds: number) => void;

const MS_PER_SECOND = 1_000;

/**
 * Reports an RPC when its stream has closed, whoever answered it: the adapter, a limit at its arrival, health, reflection, or
 * grpc-js for an unknown method.
 */
export function watchRpc(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  arrivedAtMs: number,
  onRpc: OnRpc,
): void {
  const method = (headers[':path'] ?? '').slice(1);
  stream.once('close', () => {
    onRpc(method, codeOf(stream), (performance.now() - arrivedAtMs) / MS_PER_SECOND);
  });
}

// The status is in the trailers, or in the headers of an answer without a message. A stream without either was cancelled.
function codeOf(stream: ServerHttp2Stream): string {
  const headers = stream.sentHeaders as OutgoingHttpHeaders | undefined;
  const sent = stream.sentTrailers?.['grpc-status'] ?? headers?.['grpc-status'];
  if (sent !== undefined) return status[Number(sent)] ?? 'UNKNOWN';
  // An answer of HTTP alone, such as 415 to what is no gRPC.
  return headers !== undefined && Number(headers[':status']) !== HTTP_OK ? 'UNKNOWN' : 'CANCELLED';
}

const HTTP_OK = 200;
