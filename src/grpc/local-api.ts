import { mayCall, type Role } from '../access/roles.ts';
import { CallhooksError, shuttingDown } from '../errors.ts';
import type { BoundMethod, BoundService } from './bound-service.ts';
import type { CallContext, OpenCall } from './call-context.ts';
import { decodeRequest, limitsOf, measureRequest } from './decode-request.ts';
import { toCallhooksError } from './status.ts';
import { createRpcEnd, type AdapterDependencies } from './adapter.ts';
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
        run.end.succeeded(undefined);
        return reply as Reply;
      } catch (error) {
        run.end.failed(error);
        throw toCallhooksError(error) ?? error;
      }
    },
    stream: async function* stream<Request, Reply>(
      { path, requestSerialize }: LocalMethod<Request, Reply>,
      request: Request,
      caller: Omit<LocalCaller, 'timeoutMs'>,
    ): AsyncGenerator<Reply> {
      const { method, handler } = find(path);
      const run = openRun(path, { ...caller, timeoutMs: Infinity }, dependencies);
      try {
        const decode = admit(method, requestSerialize(request), run.context, caller, dependencies);
        yield* (handler as StreamHandler<unknown, Reply>)(decode(), run.context);
      } catch (error) {
        run.end.failed(error);
        throw toCallhooksError(error) ?? error;
      } finally {
        // Nothing is logged twice.
        if (caller.signal.aborted) run.end.cancelled();
        else run.end.succeeded(undefined);
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

// Such a call counts for no limit of arrivals.
const NO_ARRIVAL = { received: nothing, decided: nothing, leave: nothing };

function nothing(): void {}

/** A call that runs, and what logs its end. */
interface Run {
  readonly context: CallContext;
  readonly end: ReturnType<typeof createRpcEnd<undefined>>;
}

function openRun(path: string, caller: LocalCaller, { logger, newRequestId }: Dependencies): Run {
  const { name, peer, signal, timeoutMs } = caller;
  const admittedAtMs = performance.now();
  const logFields = { via: 'console' };
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
    log: (more) => void Object.assign(logFields, more),
  };
  const open: OpenCall = { context, logFields, span: undefined, abort: nothing };
  // The caller gets replies and errors as values, so there is nobody to respond to.
  return { context, end: createRpcEnd<undefined>(open, { succeed: nothing, fail: nothing }, { logger }) };
}
