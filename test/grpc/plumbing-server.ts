import { CallLifecycleService, ExecutionLogService } from '../../src/gen/index.callhooks.v1.ts';
import type { HandlersOf } from '../../src/grpc/bound-service.ts';
import { bindService } from '../../src/grpc/bound-service.ts';
import type { GrpcServer, GrpcServerOptions } from '../../src/grpc/server.ts';
import { createGrpcServer } from '../../src/grpc/server.ts';
import { connect, type Rpc } from '../support/rpc.ts';

type Calls = HandlersOf<typeof CallLifecycleService>;

/** A server with handlers of the test's own, a client to it, and what it logged. */
export interface Plumbing extends AsyncDisposable {
  readonly server: GrpcServer;
  readonly port: number;
  readonly rpc: Rpc;
  readonly lines: Record<string, unknown>[];
}

const unused = (): Promise<never> => Promise.reject(new Error('not part of this test'));

/** Starts the real server on a free port of loopback. */
export const startPlumbing = async (
  handlers: Partial<Calls>,
  options: Partial<GrpcServerOptions> = {},
): Promise<Plumbing> => {
  const lines: Record<string, unknown>[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...fields });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  let requests = 0;
  const server = createGrpcServer({
    address: '127.0.0.1:0',
    services: [
      bindService(CallLifecycleService, { onCallStart: unused, onCallEnd: unused, ...handlers }),
      bindService(ExecutionLogService, { getExecution: unused, listExecutions: unused }),
    ],
    logger,
    newRequestId: () => `request-${(requests += 1)}`,
    ...options,
  });
  const port = await server.listen();
  const rpc = connect(port);
  const dispose = async (): Promise<void> => {
    rpc.close();
    await server.close(0);
  };
  return { server, port, rpc, lines, [Symbol.asyncDispose]: dispose };
};
