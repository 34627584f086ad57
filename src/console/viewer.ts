import type { HttpBindings } from '@hono/node-server';
import type { Role } from '../access/roles.ts';
import type { GrpcTarget } from '../explain/copy/as-grpcurl.ts';
import type { LocalApi, LocalMethod } from '../grpc/local-api.ts';
import type { AgentNames } from './agent-names.ts';

/** The person behind a request: the token of the session, or everybody on a server without tokens. */
export interface Viewer {
  /** The name of the token. It is undefined when this server has no tokens. */
  readonly name: string | undefined;
  readonly role: Role;
  /** Belongs into each form, as `csrfField` writes it. */
  readonly formToken: string;
}

/** Calls RPCs as the viewer of one request. */
export interface ViewerApi {
  /**
   * Calls an RPC, for example `api.call(AgentAdminService.getAgent, { agentUuid })`.
   * @throws CallhooksError
   */
  call<Request, Reply>(method: LocalMethod<Request, Reply>, request: Request): Promise<Reply>;
  /**
   * Calls an RPC with a stream of replies, which ends when the signal is aborted.
   * @throws CallhooksError
   */
  stream<Request, Reply>(
    method: LocalMethod<Request, Reply>,
    request: Request,
    signal: AbortSignal,
  ): AsyncIterable<Reply>;
}

/** The types that routes of the console know of a request. */
export interface ConsoleEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    readonly viewer: Viewer;
    readonly api: ViewerApi;
    /** The same as that of the viewer. The login has it too, and no viewer. */
    readonly formToken: string;
    /** The fields of a POST. Its origin and its form token have been checked before a page sees it. */
    readonly form: URLSearchParams;
    /**
     * Makes the request a live stream, which has no time limit and counts for other limits. Returns false when no more
     * streams may be open: the page then answers 503.
     */
    readonly beginStream: () => boolean;
    readonly agentNames: AgentNames;
    /** The gRPC port of this server, for the commands that people copy. */
    readonly grpcTarget: GrpcTarget;
  };
}

/** How long a page may wait for one RPC. A sent test has the time limit of its webhook, which is at most 60 s. */
const TIMEOUT_MS = 70_000;

/** Binds the RPCs to a viewer. `signal` is aborted when the viewer goes away. */
export function createViewerApi(
  localApi: LocalApi,
  viewer: Viewer,
  { peer, signal }: { readonly peer: string; readonly signal: AbortSignal },
): ViewerApi {
  const { name, role } = viewer;
  const caller = { name, role, peer, signal, timeoutMs: TIMEOUT_MS };
  return {
    call: (method, request) => localApi.call(method, request, caller),
    stream: (method, request, ownSignal) =>
      localApi.stream(method, request, { name, role, peer, signal: ownSignal }),
  };
}
