import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { RpcError, type Partially } from './rpc.ts';
import { until } from './until.ts';

/** Is a stream of WatchExecutions. It reads everything that comes until it is paused. */
export interface Watch {
  /** Lists the messages that have come. */
  readonly messages: readonly pb.WatchExecutionsResponse[];
  /** Lists the executions of all messages. */
  readonly executions: () => readonly pb.Execution[];
  /** Resolves with the error that ended the stream, or undefined after a status OK. */
  readonly ended: Promise<RpcError | undefined>;
  /** Waits for this execution, and returns it. */
  untilTold(executionUuid: string | undefined, timeoutMs?: number): Promise<pb.Execution>;
  /** Stops or goes on to read, so that flow control holds the server back. */
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Holds the options of one watch. */
interface WatchOptions {
  readonly deadlineMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const METHOD = pb.ExecutionLogService.watchExecutions;

/** Watches executions on a callhooks at this port of 127.0.0.1, over a connection of its own or over `client`. */
export function watchExecutions(
  port: number,
  request: Partially<pb.WatchExecutionsRequest> = {},
  { deadlineMs = 60_000, headers = {} }: WatchOptions = {},
  client: Client = newClient(port),
): Watch {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const stream = client.makeServerStreamRequest(
    METHOD.path,
    METHOD.requestSerialize,
    METHOD.responseDeserialize,
    pb.WatchExecutionsRequest.fromPartial(request as pb.WatchExecutionsRequest),
    metadata,
    { deadline: Date.now() + deadlineMs },
  );
  const messages: pb.WatchExecutionsResponse[] = [];
  stream.on('data', (message: pb.WatchExecutionsResponse) => messages.push(message));
  const ended = new Promise<RpcError | undefined>((resolve) => {
    stream.on('error', (error: ServiceError) => resolve(new RpcError(error)));
    stream.on('end', () => resolve(undefined));
  });
  const executions = (): readonly pb.Execution[] => messages.flatMap((message) => message.executions);
  return {
    ...{ messages, executions, ended },
    untilTold: (executionUuid, timeoutMs = 10_000) =>
      until(
        `execution ${executionUuid} to be told`,
        () => executions().find((execution) => execution.executionUuid === executionUuid),
        { timeoutMs },
      ),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    cancel: () => stream.cancel(),
  };
}

function newClient(port: number): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
  });
}
