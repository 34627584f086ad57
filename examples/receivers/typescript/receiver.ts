/** An endpoint for callhooks, which takes only requests that callhooks has signed. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { env } from 'node:process';
import { Webhook } from 'standardwebhooks';

/** callhooks does not send more than it was given in a call. */
const MAX_BODY_BYTES = 4 << 20;

const CUSTOMERS: Readonly<Record<string, object>> = { '+14155550123': { name: 'Ada', visits: 3 } };
const secret = env['SIGNING_SECRET'];
if (secret === undefined) throw new Error('SIGNING_SECRET must be a secret of the agent: whsec_…');
const webhook = new Webhook(secret);
/** The reports by the id of their request. A request that somebody recorded and repeats adds nothing. */
const reports = new Map<string, unknown>();

const server = createServer((request, response) => {
  handle(request).then(
    ({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body && JSON.stringify(body));
    },
    () => response.destroy(),
  );
});

async function handle(request: IncomingMessage): Promise<{ status: number; body?: object }> {
  const message = verified(await readBody(request), request.headers);
  if (message === undefined) return { status: 401 };
  if (request.url === '/lookup')
    return { status: 200, body: CUSTOMERS[String(message['caller_phone'])] ?? {} };
  if (request.url !== '/calls') return { status: 404 };
  reports.set(String(request.headers['webhook-id']), message);
  console.log(`reports: ${reports.size}`);
  return { status: 204 };
}

/** Returns the message of a request that callhooks has signed in the last five minutes. */
function verified(body: Buffer, headers: IncomingHttpHeaders): Record<string, unknown> | undefined {
  try {
    // The signature covers the bytes as they came: verify them before anything parses them.
    return webhook.verify(body, headers as Record<string, string>) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** Rejects when the body is too large, and its connection ends. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new Error('the body is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

server.listen(Number(env['PORT'] ?? 8080), '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening on http://127.0.0.1:${typeof address === 'object' && address?.port}`);
});
