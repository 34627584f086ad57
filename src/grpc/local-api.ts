import { status } from '@grpc/grpc-js';
import { mayCall, type Role } from '../access/roles.ts';
import { CallhooksError, shuttingDown } from '../errors.ts';
import type { BoundMethod, BoundService } from './bound-service.ts';
import type { CallContext } from './call-context.ts';
import { decodeRequest, limitsOf, measureRequest } from './decode-request.ts';
import { toCallhooksError, toErrorStatus } from './status.ts';
import type { AdapterDependencies } from './adapter.ts';
import type { StreamHandler } from './server-streaming.ts';
import type { Handler } from './unary.ts';

/** Who calls from within the process, and how long they wait. */
export interface LocalCaller {
  /** The name of the token. It is undefined when this server has no tokens. */
  readonly name: string | undefined;
  readonly role: Role;
  /** Address and port of whoever asks. */
  readonly peer: string;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Describes an RPC: an entry of a generated service definition, such as `AgentAdminService.getAgent`. */
export interface LocalMethod<Request, Reply> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Reply;
}

/** Serves RPCs to other parts of this process. */
export interface LocalApi {
  /**
   * Calls an RPC as a gRPC client would: with the same parser, command, limits, roles and log line.
   * @throws CallhooksError with the reason that a gRPC client would get; any other error is a bug, and is logged here
   */
  call<Request, Reply>(
    method: LocalMethod<Request, Reply>,
    request: Request,
    caller: LocalCaller,
  ): Promise<Reply>;
  /**
   * Calls an RPC with a stream of replies, as {@link LocalApi.call} does. The stream ends when `caller.signal` is aborted,
   * which every caller has to do when it wants no more. It has no time limit.
   */
  stream<Request, Reply>(
    method: LocalMethod<Request, Reply>,
    request: Request,
    caller: Omit<LocalCaller, 'timeoutMs'>,
  ): AsyncIterable<Reply>;
}

type Dependencies = Pick<
  AdapterDependencies,
  'logger' | 'newRequestId' | 'isClosing' | 'requestShapes' | 'adminLimit'
>;

/** Makes the way into the services that needs no connection. */
export function createLocalApi(services: readonly BoundService[], dependencies: Dependencies): LocalApi {
  const methods = new Map(services.flatMap((service) => [...service.methods]));
  const find = (path: string): BoundMethod => {
    const bound = methods.get(path);
    if (bound === undefined) throw new Error(`there is no service with ${path}`);
    return bound;
  };
  return {
    call: async <Request, Reply>(
      { path, requestSerialize }: LocalMethod<Request, Reply>,
      request: Request,
      caller: LocalCaller,
    ): Promise<Reply> => {
      const bound = find(path);
      const run = openRun(path, caller, dependencies);
      try {
        const reply = await serve(bound, requestSerialize(request), run.context, caller, dependencies);
        run.end(status.OK, {});
        return reply as Reply;
      } catch (error) {
        throw run.failed(error);
      }
    },
    stream: async function* stream<Request, Reply>(
      { path, requestSerialize }: LocalMethod<Request, Reply>,
      request: Request,
      caller: Omit<LocalCaller, 'timeoutMs'>,
    ): AsyncGenerator<Reply> {
      const { method, handler } = find(path);
      const run = openRun(path, { ...caller, timeoutMs: Infinity }, dependencies);
      let hasFailed = false;
      try {
        const decode = admit(method, requestSerialize(request), run.context, caller, dependencies);
        yield* (handler as StreamHandler<unknown, Reply>)(decode(), run.context);
      } catch (error) {
        hasFailed = true;
        throw run.failed(error);
      } finally {
        if (!hasFailed) run.end(caller.signal.aborted ? status.CANCELLED : status.OK, {});
      }
    },
  };
}

async function serve(
  { method, handler }: BoundMethod,
  bytes: Buffer,
  context: CallContext,
  caller: LocalCaller,
  dependencies: Dependencies,
): Promise<unknown> {
  const decode = admit(method, bytes, context, caller, dependencies);
  const work = (): Promise<unknown> => (handler as Handler<unknown, unknown>)(decode(), context);
  return limitsOf(method.path).isLimited ? dependencies.adminLimit(work) : work();
}

/** Returns the function that decodes a request of which nothing is refused. */
function admit(
  { path, requestDeserialize }: BoundMethod['method'],
  bytes: Buffer,
  context: CallContext,
  { role }: Pick<LocalCaller, 'role'>,
  { isClosing, requestShapes }: Dependencies,
): () => unknown {
  if (!mayCall(role, path))
    throw new CallhooksError('ROLE_NOT_ALLOWED', `the role ${role} does not include this`);
  if (isClosing()) throw shuttingDown();
  const shape = requestShapes.get(path);
  if (shape === undefined) throw new Error(`there is no descriptor of ${path}`);
  context.memoryBytes = measureRequest(bytes, limitsOf(path).maxRequestBytes, shape).memoryBytes;
  return () => decodeRequest(requestDeserialize, bytes);
}

const NO_ARRIVAL = { received: nothing, decided: nothing, leave: nothing };

function nothing(): void {
  // Such a call counts for no limit of arrivals.
}

/** A call that runs, with its log line. */
interface Run {
  readonly context: CallContext;
  end(code: status, more: object): void;
  /** Ends the call with an error, and returns the error that its caller gets. */
  failed(error: unknown): unknown;
}

function openRun(path: string, caller: LocalCaller, { logger, newRequestId }: Dependencies): Run {
  const { name, peer, signal, timeoutMs } = caller;
  const admittedAtMs = performance.now();
  const fields = {};
  const context: CallContext = {
    requestId: newRequestId(),
    ...(name === undefined ? {} : { caller: name }),
    admittedAtMs,
    ...(timeoutMs === Infinity
      ? {}
      : { deadlineAtMs: admittedAtMs + timeoutMs, deadlineEpochMs: Date.now() + timeoutMs }),
    signal,
    callingExecutionUuids: [],
    messageBytes: 0,
    memoryBytes: 0,
    ownTurn: undefined,
    arrival: NO_ARRIVAL,
    rpc: path.slice(1),
    peer,
    log: (more) => void Object.assign(fields, more),
  };
  const line = (code: status, more: object): object => ({
    rpc: context.rpc,
    code: status[code],
    duration_ms: Math.round((performance.now() - admittedAtMs) * 1000) / 1000,
    request_id: context.requestId,
    peer,
    ...(name === undefined ? {} : { caller: name }),
    via: 'console',
    ...fields,
    ...more,
  });
  const end = (code: status, more: object): void =>
    logger[code === status.INTERNAL ? 'error' : 'info'](line(code, more), 'rpc');
  return {
    context,
    end,
    failed: (error) => {
      const { code, reason, cause } = toErrorStatus(error, context.requestId);
      end(code, { ...(reason && { reason }), ...(cause !== undefined && { err: cause }) });
      return toCallhooksError(error) ?? error;
    },
  };
}
