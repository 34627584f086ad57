import { brotliCompressSync, deflateRawSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Execution } from '../../src/gen/index.callhooks.v1.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { makeAgent, newCall, postTo, readExecution, untilFinished } from '../support/calls.ts';
import { describeEachEngine } from '../support/engines.ts';
import { outcomeOf } from '../support/execution-words.ts';
import { startScriptedEndpoint } from '../support/scripted-endpoint.ts';

const SECRET = 'open "sesame" now';
const PAGE = '<!DOCTYPE html>\n<html><title>Sign in</title></html>\n';
const NOT_JSON = 'the response body is not JSON:';

/** Is an answer as real endpoints give them, and what a user sees of it in GetExecution. */
interface Row {
  readonly title: string;
  readonly status?: string;
  /** Hold the headers beside Content-Length. */
  readonly headers?: readonly string[];
  readonly body: string | Uint8Array;
  /** Is the message of the failure of a pre-call that needs the body. Without it, `a` is assigned 1. */
  readonly message?: string;
  readonly code?: string;
  /** Is the body in the record of pre-call and post-call. Undefined stands for a binary body. */
  readonly recorded: string | undefined;
}

const HTML = 'Content-Type: text/html; charset=utf-8';
const JSON_TYPE = 'Content-Type: application/json';
const AS_JSON = 'its Content-Type is "application/json"';

const ROWS: readonly Row[] = [
  {
    title: 'a page instead of JSON',
    headers: [HTML],
    body: PAGE,
    message: `${NOT_JSON} it begins with "<!DOCTYPE html>\\n<html><title>Sign in</title></html>\\n"; its Content-Type is "text/html; charset=utf-8"`,
    recorded: PAGE,
  },
  {
    title: 'a warning of PHP before JSON',
    headers: [HTML],
    body: '<br />\n<b>Notice</b>: Undefined index<br />\n{"a":1}',
    message: `${NOT_JSON} it begins with "<br />\\n<b>Notice</b>: Undefined index<br />\\n{\\"a\\":1}"; its Content-Type is "text/html; charset=utf-8"`,
    recorded: '<br />\n<b>Notice</b>: Undefined index<br />\n{"a":1}',
  },
  {
    title: 'a comma too many',
    headers: [JSON_TYPE],
    body: '{\n  "a": 1,\n}\n',
    message: `${NOT_JSON} "}\\n" stands at line 3, column 1; ${AS_JSON}`,
    recorded: '{\n  "a": 1,\n}\n',
  },
  {
    title: 'JSON Lines',
    headers: ['Content-Type: application/x-ndjson'],
    body: '{"a":1}\n{"a":2}\n',
    message: `${NOT_JSON} behind its value stands "{\\"a\\":2}\\n" at line 2, column 1; its Content-Type is "application/x-ndjson"`,
    recorded: '{"a":1}\n{"a":2}\n',
  },
  {
    title: 'XML',
    headers: ['Content-Type: text/xml'],
    body: '<?xml version="1.0"?><a>1</a>',
    message: `${NOT_JSON} it begins with "<?xml version=\\"1.0\\"?><a>1</a>"; its Content-Type is "text/xml"`,
    recorded: '<?xml version="1.0"?><a>1</a>',
  },
  {
    title: 'a secret that is echoed without escapes, in which JSON breaks off',
    headers: [JSON_TYPE],
    body: `{"token":"${SECRET}"}`,
    message: `${NOT_JSON} "••••••" stands at line 1, column 17; ${AS_JSON}`,
    recorded: '{"token":"••••••"}',
  },
  {
    title: 'gzip that no header names',
    headers: [JSON_TYPE],
    body: gzipSync('{"a":1}'),
    message: `the response body is gzip, but no Content-Encoding header says so; ${AS_JSON}`,
    recorded: undefined,
  },
  {
    title: 'zstd',
    headers: [JSON_TYPE, 'Content-Encoding: zstd'],
    body: '(/',
    message:
      'the response body has the content coding "zstd", which callhooks can\'t undo; the request asked for none',
    recorded: '(/',
  },
  {
    title: 'JSON that is named gzip',
    headers: [JSON_TYPE, 'Content-Encoding: gzip'],
    body: '{"a":1}',
    message: 'the response body is not gzip, though its Content-Encoding says so',
    recorded: '{"a":1}',
  },
  {
    title: 'a coded error page',
    status: '502 Bad Gateway',
    headers: [HTML, 'Content-Encoding: gzip'],
    body: gzipSync(PAGE),
    message: 'HTTP 502 Bad Gateway',
    code: 'HTTP_STATUS',
    recorded: PAGE,
  },
  { title: 'gzip', headers: ['Content-Encoding: gzip'], body: gzipSync('{"a":1}'), recorded: '{"a":1}' },
  {
    title: 'br',
    headers: ['Content-Encoding: br'],
    body: brotliCompressSync('{"a":1}'),
    recorded: '{"a":1}',
  },
  {
    title: 'bare deflate',
    headers: ['Content-Encoding: deflate'],
    body: deflateRawSync('{"a":1}'),
    recorded: '{"a":1}',
  },
  {
    title: 'a charset as a coding',
    headers: ['Content-Encoding: UTF-8'],
    body: '{"a":1,"b":"é"}',
    recorded: '{"a":1,"b":"é"}',
  },
  {
    title: 'ISO-8859-1',
    headers: ['Content-Type: application/json; charset=iso-8859-1'],
    body: Buffer.from('{"a":1,"b":"é"}', 'latin1'),
    recorded: '{"a":1,"b":"é"}',
  },
  {
    title: 'UTF-16',
    headers: ['Content-Type: application/json; charset=utf-16'],
    body: Buffer.from('{"a":1,"b":"é"}', 'utf16le'),
    recorded: '{"a":1,"b":"é"}',
  },
];

describeEachEngine('What endpoints answer', (engine) => {
  let app: TestApp;
  before(async () => {
    app = await startTestApp(engine, { CALLHOOKS_EGRESS_ALLOW: '127.0.0.0/8' });
  });
  after(() => app.close());

  const runBoth = async (row: Row): Promise<readonly [Execution, Execution]> => {
    const endpoint = await startScriptedEndpoint(() => bytesOf(row));
    try {
      const url = `http://${endpoint.address}/`;
      const headers = { 'X-Key': '{{secret.key}}' };
      const schema = { apiSchema: { url, method: 'POST', requestHeaders: headers } };
      const rule = { attributeName: 'a', dynamicVariable: 'a' };
      const agent = await makeAgent(app.rpc, {
        pre: postTo(url, {}, { ...schema, assignments: [rule] }),
        post: postTo(url, {}, schema),
        variables: { a: null },
        secrets: { key: SECRET },
      });
      const call = newCall(agent);
      const start = (await app.rpc.calls.onCallStart(call)).execution?.executionUuid;
      const end = (await app.rpc.calls.onCallEnd(call)).execution?.executionUuid;
      return [await readExecution(app.rpc, start), await untilFinished(app.rpc, end)];
    } finally {
      await endpoint.close();
    }
  };

  for (const row of ROWS) {
    const { title, message, recorded, code = 'INVALID_RESPONSE' } = row;
    it(`${message === undefined ? 'reads' : 'tells what is wrong with'} ${title}, and records it as text`, async () => {
      const [preCall, postCall] = await runBoth(row);
      expect(outcomeOf(preCall)).to.equal(message === undefined ? 'SUCCEEDED' : `FAILED ${code} YES`);
      expect(preCall.failure?.message).to.equal(message);
      if (message === undefined) expect(preCall.assignedVariables).to.deep.equal({ a: 1 });
      for (const { response } of [preCall, postCall]) {
        expect(response?.bodyBinary).to.equal(recorded === undefined);
        expect(response?.body).to.equal(recorded ?? '');
        expect(response?.bodySize).to.equal(BigInt(Buffer.from(row.body as string).length));
      }
    });
  }
});

function bytesOf({ status = '200 OK', headers = [], body }: Row): string {
  const bytes = Buffer.from(body as string);
  const head = [`HTTP/1.1 ${status}`, ...headers, `Content-Length: ${bytes.length}`].join('\r\n');
  return `${head}\r\n\r\n${bytes.toString('latin1')}`;
}
