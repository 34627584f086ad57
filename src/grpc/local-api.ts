import { status } from '@grpc/grpc-js';
import { mayCall, type Role } from '../access/roles.ts';
import { CallhooksError, shuttingDown } from '../errors.ts';
import type { BoundMethod, BoundService } from './bound-service.ts';
import type { CallContext } from './call-context.ts';
import { decodeRequest, limitsOf, measureRequest } from './decode-request.ts';
import { toCallhooksError, toErrorStatus } from './status.ts';
import type { UnaryDependencies } from './unary.ts';

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
}

type Dependencies = Pick<
  UnaryDependencies,
  'logger' | 'newRequestId' | 'isClosing' | 'requestShapes' | 'adminLimit'
>;

/** Makes the way into the services that needs no connection. */
export function createLocalApi(services: readonly BoundService[], dependencies: Dependencies): LocalApi {
  const methods = new Map(services.flatMap((service) => [...service.methods]));
  return {
    call: async <Request, Reply>(
      { path, requestSerialize }: LocalMethod<Request, Reply>,
      request: Request,
      caller: LocalCaller,
    ): Promise<Reply> => {
      const bound = methods.get(path);
      if (bound === undefined) throw new Error(`there is no service with ${path}`);
      const run = openRun(path, caller, dependencies);
      try {
        const reply = await serve(bound, requestSerialize(request), run.context, caller, dependencies);
        run.end(status.OK, {});
        return reply as Reply;
      } catch (error) {
        const { code, reason, cause } = toErrorStatus(error, run.context.requestId);
        run.end(code, { ...(reason && { reason }), ...(cause !== undefined && { err: cause }) });
        throw toCallhooksError(error) ?? error;
      }
    },
  };
}

async function serve(
  { method, handler }: BoundMethod,
  bytes: Buffer,
  context: CallContext,
  { role }: LocalCaller,
  { isClosing, requestShapes, adminLimit }: Dependencies,
): Promise<unknown> {
  if (!mayCall(role, method.path))
    throw new CallhooksError('ROLE_NOT_ALLOWED', `the role ${role} does not include this`);
  if (isClosing()) throw shuttingDown();
  const { maxRequestBytes, isLimited } = limitsOf(method.path);
  const shape = requestShapes.get(method.path);
  if (shape === undefined) throw new Error(`there is no descriptor of ${method.path}`);
  const { memoryBytes } = measureRequest(bytes, maxRequestBytes, shape);
  context.memoryBytes = memoryBytes;
  const work = (): Promise<unknown> => handler(decodeRequest(method.requestDeserialize, bytes), context);
  return isLimited ? adminLimit(work) : work();
}

const NO_ARRIVAL = { received: nothing, decided: nothing, leave: nothing };

function nothing(): void {
  // Such a call counts for no limit of arrivals.
}

/** A call that runs, with its log line. */
interface Run {
  readonly context: CallContext;
  end(code: status, more: object): void;
}

function openRun(path: string, caller: LocalCaller, { logger, newRequestId }: Dependencies): Run {
  const { name, peer, signal, timeoutMs } = caller;
  const admittedAtMs = performance.now();
  const fields = {};
  const context: CallContext = {
    requestId: newRequestId(),
    ...(name === undefined ? {} : { caller: name }),
    admittedAtMs,
    deadlineAtMs: admittedAtMs + timeoutMs,
    deadlineEpochMs: Date.now() + timeoutMs,
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
  return {
    context,
    end: (code, more) => logger[code === status.INTERNAL ? 'error' : 'info'](line(code, more), 'rpc'),
  };
}
