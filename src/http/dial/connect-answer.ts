import type { Socket } from 'node:net';

/** What a proxy answered to CONNECT: the status of its final head, or why there is none, in words. */
export type ConnectAnswer = { readonly status: number } | { readonly problem: string };

/** The longest head of an answer, with the interim answers (1xx) before it. */
const MAX_HEAD_BYTES = 16_384;

/**
 * Reads a proxy's answer to CONNECT from the socket, and nothing behind it. A tunnel begins with silence, because in HTTP and
 * TLS the client speaks first. So bytes behind a good answer are a problem: the body of a proxy that made no tunnel.
 * The caller limits the time. Never rejects.
 */
export function readConnectAnswer(socket: Socket): Promise<ConnectAnswer> {
  return new Promise((resolve) => {
    const head = createAnswerHead();
    const end = (answer: ConnectAnswer): void => {
      socket.off('readable', read).off('end', onEnd).off('close', onEnd);
      resolve(answer);
    };
    const onEnd = (): void => end(CLOSED);
    const read = (): void => {
      const chunk: unknown = socket.read();
      const answer = chunk instanceof Uint8Array ? head.add(chunk) : undefined;
      if (answer !== undefined) end(answer);
    };
    socket.on('readable', read).on('end', onEnd).on('close', onEnd);
  });
}

const CLOSED: ConnectAnswer = { problem: 'the proxy closed the connection before it answered' };
const NOT_HTTP: ConnectAnswer = { problem: 'the proxy sent something that is not HTTP/1.1' };
const TOO_LARGE: ConnectAnswer = {
  problem: `the head of the proxy's answer is larger than ${MAX_HEAD_BYTES} bytes`,
};
const NO_TUNNEL: ConnectAnswer = { problem: 'the proxy sent a body instead of a tunnel' };

const HEAD_END = '\r\n\r\n';
const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: [^\r\n]*)?\r\n/;
const START = 'HTTP/1.';

/** Collects bytes until they hold a final head, over any chunk boundary. */
function createAnswerHead(): { add(chunk: Uint8Array): ConnectAnswer | undefined } {
  let text = '';
  let seenBytes = 0;
  return {
    add: (chunk) => {
      const room = MAX_HEAD_BYTES - seenBytes;
      seenBytes += chunk.length;
      text += Buffer.from(chunk.subarray(0, room)).toString('latin1');
      for (let end = text.indexOf(HEAD_END); end >= 0; end = text.indexOf(HEAD_END)) {
        const status = Number(STATUS_LINE.exec(text)?.[1]);
        if (Number.isNaN(status)) return NOT_HTTP;
        text = text.slice(end + HEAD_END.length);
        if (isInterim(status)) continue;
        const isSilent = text === '' && seenBytes <= MAX_HEAD_BYTES;
        return isTunnel(status) && !isSilent ? NO_TUNNEL : { status };
      }
      if (!START.startsWith(text.slice(0, START.length))) return NOT_HTTP;
      return seenBytes >= MAX_HEAD_BYTES ? TOO_LARGE : undefined;
    },
  };
}

// Nobody asked for another protocol, so 101 is no step on the way to an answer.
function isInterim(status: number): boolean {
  return status < 200 && status !== 101;
}

/** Reports whether the status opens a tunnel (RFC 9110, 9.3.6). */
export function isTunnel(status: number): boolean {
  return status >= 200 && status < 300;
}
