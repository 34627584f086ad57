import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';

/** Returns the HTTP/2 headers of a gRPC call. */
export function headersOf(path: string) {
  return { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
}

/** Begins a call without its message. An error of its stream is no uncaught error: most are cancelled. */
export function openStream(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request(headersOf(path), { endStream: false });
  stream.on('error', () => undefined);
  return stream;
}

/** Makes a call with an empty message. */
export function sendCall(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return openStream(session, path).end(Buffer.alloc(5));
}

/** Resolves with how a call ended, by its headers or trailers; the code is undefined when they have none. */
export function endOf(
  stream: ClientHttp2Stream,
): Promise<{ readonly code: number | undefined; readonly hasDetails: boolean }> {
  return new Promise((resolve) => {
    const read = (headers: Record<string, unknown>): void => {
      const code = headers['grpc-status'];
      if (code === undefined) return;
      resolve({ code: Number(code), hasDetails: headers['grpc-status-details-bin'] !== undefined });
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('close', () => resolve({ code: undefined, hasDetails: false }));
    stream.resume();
  });
}
