import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { parseIp } from '../../src/http/egress/ip-address.ts';

/**
 * Is the answer of the server to one question: records, an error, or none at all (`silent`). `truncated` records do not fit
 * into UDP, so the client has to ask for them over TCP.
 */
export type DnsAnswer =
  | readonly string[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'REFUSED'
  | 'silent'
  | { readonly after: number; readonly records: readonly string[] }
  | { readonly truncated: readonly string[] };

/** Is a DNS server on loopback over UDP and TCP, which the test controls. */
export interface DnsServer {
  /** Holds the address in the form that `dns.Resolver` takes. */
  readonly address: string;
  /** Lists the questions in the order of arrival, such as `A crm.example`. */
  readonly questions: readonly string[];
  close(): Promise<void>;
}

const RCODES: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
const TRUNCATED = 0x0200;

/** Starts a server that answers each question by `answer`. `nth` counts the questions that are alike, from 1. */
export async function startDnsServer(
  answer: (name: string, family: 'A' | 'AAAA', nth: number) => DnsAnswer,
): Promise<DnsServer> {
  const questions: string[] = [];
  const reply = (query: Buffer, isTcp: boolean, send: (bytes: Buffer) => void): void => {
    const { name, type, end } = readQuestion(query);
    const family = type === 28 ? 'AAAA' : 'A';
    const question = `${family} ${name}`;
    questions.push(isTcp ? `${question} (TCP)` : question);
    const nth = questions.filter((other) => other === question).length;
    const answered = toReply(answer(name, family, nth), isTcp);
    if (answered === undefined) return;
    const bytes = encodeReply(query.subarray(0, end), type, answered);
    setTimeout(send, answered.afterMs, bytes).unref();
  };
  const tcp = createServer((socket) => answerOverTcp(socket, reply));
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  let isClosed = false;
  udp.on('message', (query: Buffer, from: RemoteInfo) =>
    reply(query, false, (bytes) => {
      if (!isClosed) udp.send(bytes, from.port, from.address, () => undefined);
    }),
  );
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    questions,
    close: async () => {
      isClosed = true;
      const closed = [once(udp, 'close'), once(tcp, 'close')];
      udp.close();
      tcp.close();
      await Promise.all(closed);
    },
  };
}

// Over TCP, two bytes of length come before each message (RFC 1035, 4.2.2). One question a connection is enough here.
function answerOverTcp(
  socket: Socket,
  reply: (query: Buffer, isTcp: boolean, send: (bytes: Buffer) => void) => void,
): void {
  socket.on('error', () => undefined);
  socket.once('data', (query: Buffer) =>
    reply(query.subarray(2), true, (bytes) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.end(Buffer.concat([length, bytes]));
    }),
  );
}

/** Is what stands in a reply, and when it is sent. */
interface Reply {
  readonly records: readonly string[];
  readonly flags: number;
  readonly afterMs: number;
}

function toReply(answer: DnsAnswer, isTcp: boolean): Reply | undefined {
  if (answer === 'silent') return undefined;
  if (typeof answer === 'string') return { records: [], flags: RCODES[answer] ?? 0, afterMs: 0 };
  if ('after' in answer) return { records: answer.records, flags: 0, afterMs: answer.after };
  if (!('truncated' in answer)) return { records: answer, flags: 0, afterMs: 0 };
  return isTcp
    ? { records: answer.truncated, flags: 0, afterMs: 0 }
    : { records: [], flags: TRUNCATED, afterMs: 0 };
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

// RFC 1035, 4.1: the reply repeats the question, and each record points back to its name.
function encodeReply(question: Buffer, type: number, { records, flags }: Reply): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180 | flags, 2);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt16BE(0, 8);
  head.writeUInt16BE(0, 10);
  return Buffer.concat([
    head,
    ...records.map((address) => encodeRecord(type, parseIp(address) ?? new Uint8Array())),
  ]);
}

function encodeRecord(type: number, bytes: Uint8Array): Buffer {
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(1, 6);
  record.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([record, bytes]);
}
