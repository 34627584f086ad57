import type { Server, ServerCredentials } from '@grpc/grpc-js';

/** Binds a server to an address (`127.0.0.1:50051`; port 0 takes a free one) and returns the address that is bound. */
export function bindServer(server: Server, address: string, credentials: ServerCredentials): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(address.replace(/\d+$/, String(port)));
      else reject(error);
    });
  });
}
