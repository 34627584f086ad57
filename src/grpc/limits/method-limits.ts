/** What a method allows, decided before its request is decoded. */
export interface MethodLimits {
  /** The largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Whether the method is a list or an admin RPC, which have a limit of their own in {@link MAX_ADMIN_RPCS}. */
  readonly isAdmin: boolean;
}

/** The most list and admin RPCs at once. */
export const MAX_ADMIN_RPCS = 64;

const KIB = 1024;
const MIB = 1024 * KIB;
/** They carry the details of a call. */
const CALLS = /\/(OnCallStart|OnCallEnd|TestWebhook)$/;
const ADMIN = /^\/callhooks\.v1\.(AgentAdmin|WebhookAdmin)\//;
const WRITES = /\/(Create|Update|Delete)\w+$/;
const LISTS = /\/List\w+$/;

/** Returns the limits of a method, by its path (`/callhooks.v1.AgentAdmin/GetAgent`). */
export function limitsOf(path: string): MethodLimits {
  // A test that is sent counts with the pre-calls: its endpoint may take its time, which keeps no list waiting.
  if (CALLS.test(path)) return { maxRequestBytes: 4 * MIB, isAdmin: false };
  return {
    maxRequestBytes: WRITES.test(path) ? MIB : 4 * KIB,
    isAdmin: ADMIN.test(path) || LISTS.test(path),
  };
}
