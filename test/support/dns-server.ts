import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { parseIp } from '../../src/http/egress/ip-address.ts';

/** Is the answer of the server to one question: records, an error, or none at all (`silent`). */
export type DnsAnswer =
  | readonly string[]
  | 'NXDOMAIN'
  | 'SERVFAIL'
  | 'silent'
  | { readonly after: number; readonly records: readonly string[] };

/** Is a DNS server on loopback over UDP, which the test controls. */
export interface DnsServer {
  /** Holds the address in the form that `dns.Resolver` takes. */
  readonly address: string;
  /** Lists the questions in the order of arrival, such as `A crm.example`. */
  readonly questions: readonly string[];
  close(): Promise<void>;
}

const RCODES: Readonly<Record<string, number>> = { SERVFAIL: 2, NXDOMAIN: 3 };

/** Starts a server that answers each question by `answer`. */
export async function startDnsServer(
  answer: (name: string, family: 'A' | 'AAAA') => DnsAnswer,
): Promise<DnsServer> {
  const questions: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query: Buffer, from: RemoteInfo) => {
    const { name, type, end } = readQuestion(query);
    const family = type === 28 ? 'AAAA' : 'A';
    questions.push(`${family} ${name}`);
    const answered = answer(name, family);
    if (answered === 'silent') return;
    const [records, rcode] =
      typeof answered === 'string'
        ? [[], RCODES[answered] ?? 0]
        : ['records' in answered ? answered.records : answered, 0];
    const reply = encodeReply(query.subarray(0, end), type, records, rcode);
    const delayMs = typeof answered === 'object' && 'after' in answered ? answered.after : 0;
    setTimeout(() => socket.send(reply, from.port, from.address, () => undefined), delayMs).unref();
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
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
function encodeReply(question: Buffer, type: number, records: readonly string[], rcode: number): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180 | rcode, 2);
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
