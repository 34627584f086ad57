// A customer database with a web API, small enough to read. callhooks may call it before and after a phone call.
//
//   node examples/crm.mjs [port]
import { createServer } from 'node:http';
import { argv, exit } from 'node:process';

const CUSTOMERS = { '+14155550123': { customer: { name: 'Ada Lovelace', plan: 'gold' }, open_orders: 2 } };
const port = Number(argv[2] ?? 8080);

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  console.log(`${request.method} ${request.url} ${body}`);
  if (request.headers.authorization !== 'Bearer crm-token') return response.writeHead(401).end();
  const { caller_phone: phone } = body.startsWith('{') ? JSON.parse(body) : {};
  const answer = request.url === '/lookup' ? (CUSTOMERS[phone] ?? {}) : { noted: true };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
server.on('error', ({ code }) => {
  console.error(
    `The CRM can't listen on port ${port} (${code}). Name another one: node examples/crm.mjs 8081`,
  );
  exit(1);
});
server.listen(port, '127.0.0.1', () =>
  console.log(`The CRM listens on http://127.0.0.1:${server.address().port}`),
);
