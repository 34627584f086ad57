import type { Role } from '../access/roles.ts';
import type { LocalApi, LocalMethod } from '../grpc/local-api.ts';

/** The person behind a request: the token of the session, or everybody on a server without tokens. */
export interface Viewer {
  /** The name of the token. It is undefined when this server has no tokens. */
  readonly name: string | undefined;
  readonly role: Role;
}

/** Calls RPCs as the viewer of one request. */
export interface ViewerApi {
  /**
   * Calls an RPC, for example `api.call(AgentAdminService.getAgent, { agentUuid })`.
   * @throws CallhooksError
   */
  call<Request, Reply>(method: LocalMethod<Request, Reply>, request: Request): Promise<Reply>;
}

/** The types that routes of the console know of a request. */
export interface ConsoleEnv {
  readonly Variables: {
    readonly viewer: Viewer;
    readonly api: ViewerApi;
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
  const caller = { ...viewer, peer, signal, timeoutMs: TIMEOUT_MS };
  return { call: (method, request) => localApi.call(method, request, caller) };
}
