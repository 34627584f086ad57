import { CallLifecycleService, ExecutionLogService } from '../../src/gen/index.callhooks.v1.ts';
import type { HandlersOf } from '../../src/grpc/bound-service.ts';
import { bindService } from '../../src/grpc/bound-service.ts';
import type { GrpcServer, GrpcServerOptions } from '../../src/grpc/server.ts';
import { createGrpcServer } from '../../src/grpc/server.ts';
import { connect, type Rpc } from '../support/rpc.ts';

type Calls = HandlersOf<typeof CallLifecycleService>;
type Watch = Pick<HandlersOf<typeof ExecutionLogService>, 'watchExecutions'>;

/** A gRPC server with handlers of a test's own, and a client to it. */
export interface TestServer extends AsyncDisposable {
  readonly grpc: GrpcServer;
  readonly port: number;
  /** NaN without a health port. */
  readonly healthPort: number;
  readonly rpc: Rpc;
  /** Lists the lines that it has logged so far. */
  readonly lines: Record<string, unknown>[];
}

function unused(): Promise<never> {
  return Promise.reject(new Error('not part of this test'));
}

/** Starts the server of src/grpc on a free port of 127.0.0.1, without the rest of the app. */
export async function startTestServer(
  { watchExecutions = async function* none() {}, ...handlers }: Partial<Calls & Watch>,
  options: Partial<GrpcServerOptions> = {},
): Promise<TestServer> {
  const lines: Record<string, unknown>[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...fields });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  let requests = 0;
  const grpc = createGrpcServer({
    address: '127.0.0.1:0',
    services: [
      bindService(CallLifecycleService, { onCallStart: unused, onCallEnd: unused, ...handlers }),
      bindService(ExecutionLogService, {
        getExecution: unused,
        listExecutions: unused,
        watchExecutions,
      }),
    ],
    logger,
    newRequestId: () => `request-${(requests += 1)}`,
    ...options,
  });
  const { grpcAddress, healthAddress } = await grpc.listen();
  const [port, healthPort] = [portOf(grpcAddress), portOf(healthAddress)];
  const rpc = connect(port);
  const dispose = async (): Promise<void> => {
    rpc.close();
    await grpc.close(0);
  };
  return { grpc, port, healthPort, rpc, lines, [Symbol.asyncDispose]: dispose };
}

function portOf(address: string | undefined): number {
  return Number(address?.split(':').at(-1));
}
