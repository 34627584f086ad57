import { Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { createFlakyWatch, failure } from './flaky-watch.ts';

/** A server that fails as often as its callers ask for, to show which RPCs a client repeats by itself. */
export interface FlakyServer {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Returns when each attempt for a key arrived, in milliseconds on the monotonic clock. */
  attemptsOf(key: string): readonly number[];
  /** Returns how many streams are open. */
  openStreams(): number;
  /** Returns how many messages a flood has written, and whether the reader holds it back. */
  flood(): { readonly written: number; readonly isHeld: boolean };
  close(): void;
}

/**
 * Starts a flaky server. A request asks for failures in one of its texts: `UNAVAILABLE*2` in `caller_phone` (of calls) or
 * `display_name` (of agents) fails two attempts, and `RESOURCE_EXHAUSTED*1+300` fails one with a pushback of 300 ms. The
 * attempts are counted by `conversation_uuid` or `agent_uuid`. The number of the attempt that succeeds is the
 * `reject_reason` or `etag` of its reply; it is the message of an error. `silent` is never answered.
 *
 * WatchExecutions is counted by `conversation_uuid`, and wishes in `webhook_uuid`. Attempt n tells the executions n and n + 1,
 * which ended in the seconds 10 n and 10 n + 10, and the second 10 n + 5 as `finished_at_to`. The `reject_reason` of both is the
 * second of `finished_at_from`. Then it fails, or stays open. A failure before the first message is `!UNAVAILABLE*1`. `flood`
 * tells as much as its client reads.
 */
export async function startFlakyServer(): Promise<FlakyServer> {
  const attempts = new Map<string, number[]>();
  const server = new Server({ 'grpc.enable_channelz': 0 });
  const answer = <Reply>(
    key: string,
    wish: string,
    callback: (error: ServiceError | null, reply?: Reply) => void,
    reply: (attempt: string) => Reply,
  ): void => {
    const seen = attempts.get(key) ?? [];
    attempts.set(key, [...seen, performance.now()]);
    if (wish === 'silent') return;
    const [, code = '', count, pushback] = /^(\w+)\*(\d+)(?:\+(\d+))?$/.exec(wish) ?? [];
    const attempt = String(seen.length + 1);
    if (seen.length >= Number(count ?? 0)) return callback(null, reply(attempt));
    callback(failure(code, attempt, pushback));
  };
  server.addService(pb.CallLifecycleService, {
    onCallStart: ({ request }, callback) =>
      answer(request.conversationUuid, request.callerPhone, callback, (attempt) =>
        pb.OnCallStartResponse.fromPartial({ rejectReason: attempt }),
      ),
    onCallEnd: ({ request }, callback) =>
      answer(request.conversationUuid, request.callerPhone, callback, () =>
        pb.OnCallEndResponse.fromPartial({}),
      ),
  } satisfies pb.CallLifecycleServer);
  const watch = createFlakyWatch(attempts);
  const { watchExecutions } = pb.ExecutionLogService;
  server.addService({ watchExecutions } as never, { watchExecutions: watch.serve });
  const { createAgent } = pb.AgentAdminService;
  server.addService({ createAgent } as never, {
    createAgent: (({ request }, callback) => {
      const { agentUuid = '', displayName = '' } = request.agent ?? {};
      answer(agentUuid, displayName, callback, (etag) =>
        pb.CreateAgentResponse.fromPartial({ agent: { etag } }),
      );
    }) satisfies pb.AgentAdminServer['createAgent'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    attemptsOf: (key) => attempts.get(key) ?? [],
    openStreams: watch.openStreams,
    flood: watch.flood,
    close: () => server.forceShutdown(),
  };
}
