import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';

/** Names the server whose health is asked. */
export interface HealthTarget {
  /** `host:port`, with an IPv6 host in brackets. */
  readonly address: string;
  /** The certificate of the server in PEM, which is trusted alone. It is asked in plaintext when this is undefined. */
  readonly certificate: string | undefined;
}

/** The answers of `grpc.health.v1`, by their numbers. */
const ANSWERS = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const GRPC_NOT_FOUND = '5';
const END = '-----END CERTIFICATE-----';

/** An answer of `grpc.health.v1`. */
export type HealthAnswer = (typeof ANSWERS)[number];

/**
 * Asks `grpc.health.v1.Health/Check` once. It speaks HTTP/2 itself, because a container asks every few seconds, and loading a
 * gRPC client takes longer than everything else. `service` is empty for the whole server.
 * @throws Error with the reason, when the server gives no answer within `timeoutMs`
 */
export async function askHealth(
  target: HealthTarget,
  service: string,
  timeoutMs: number,
): Promise<HealthAnswer> {
  const session = open(target);
  const timer = Promise.withResolvers<never>();
  const timeout = setTimeout(() => timer.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const broken = new Promise<never>((_resolve, reject) => session.once('error', reject));
  try {
    return await Promise.race([check(session, service), broken, timer.promise]);
  } finally {
    clearTimeout(timeout);
    session.on('error', () => undefined);
    session.destroy();
  }
}

function open({ address, certificate }: HealthTarget): ClientHttp2Session {
  if (certificate === undefined) return connect(`http://${address}`);
  return connect(`https://${address}`, {
    // Only the certificate of the server itself passes, and not what the authorities behind it in the file have signed.
    ca: certificate.slice(0, certificate.indexOf(END) + END.length),
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
  });
}

async function check(session: ClientHttp2Session, service: string): Promise<HealthAnswer> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    te: 'trailers',
  });
  stream.end(frameOf(requestOf(service)));
  const { status, body } = await readReply(stream);
  if (status === GRPC_NOT_FOUND) return 'SERVICE_UNKNOWN';
  if (status !== '0') throw new Error(`it answered with the gRPC status ${status}`);
  // The reply has one field: 0x08 and the number of the answer. Zero is left out.
  return ANSWERS[body[5] === 0x08 ? (body[6] ?? 0) : 0] ?? 'UNKNOWN';
}

async function readReply(stream: ClientHttp2Stream): Promise<{ status: string; body: Buffer }> {
  let status: unknown;
  let httpStatus: unknown;
  stream.on('response', (headers) => {
    httpStatus = headers[':status'];
    status ??= headers['grpc-status'];
  });
  stream.on('trailers', (trailers: IncomingHttpHeaders) => {
    status ??= trailers['grpc-status'];
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  if (status === undefined) throw new Error(`it is no gRPC server (HTTP status ${String(httpStatus)})`);
  return { status: String(status), body: Buffer.concat(chunks) };
}

/** Returns the HealthCheckRequest: field 1, its length, the name. */
function requestOf(service: string): Buffer {
  const name = Buffer.from(service);
  return name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
}

/** Returns a message as gRPC frames it: not compressed, its length in 4 bytes, the message. */
function frameOf(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
