import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const certificate = (name: string) => fileURLToPath(new URL(`../../support/certs/${name}`, import.meta.url));

/** Is the authority that signed the certificate of the endpoint, for CALLHOOKS_CA_FILE. */
export const CA_FILE = certificate('ca.pem');

/** Is an endpoint with TLS, whose certificate is for the host `endpoint.example`. */
export interface SecureEndpoint {
  /** Is its origin, without a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
}

/** Answers a request whose body is this one. */
export type AnswerSecurely = (body: string) => { readonly status?: number; readonly body?: object };

/** Starts the endpoint on this port of 127.0.0.1. 0 takes a free one. */
export async function startSecureEndpoint(answer: AnswerSecurely, port = 0): Promise<SecureEndpoint> {
  const options = {
    cert: readFileSync(certificate('endpoint.pem')),
    key: readFileSync(certificate('endpoint.key')),
  };
  const server = createServer(options, (request, response) => {
    void text(request).then((read) => {
      const { status = 200, body } = answer(read);
      const headers = { 'content-type': 'application/json' };
      response
        .writeHead(status, body === undefined ? {} : headers)
        .end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://endpoint.example:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
