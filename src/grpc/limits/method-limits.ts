/** The limits of a method, which are checked before its request is decoded. */
interface MethodLimits {
  /** The largest request message in bytes. */
  readonly maxRequestBytes: number;
  /** Reports whether the method is a list or an admin RPC, which {@link MAX_ADMIN_RPCS} limits. */
  readonly isAdmin: boolean;
  /** Reports whether the method changes nothing, so that its reply may be refused for lack of memory. */
  readonly isRead: boolean;
}

/** The most list and admin RPCs at once. */
export const MAX_ADMIN_RPCS = 64;

export const KIB = 1024;
export const MIB = 1024 * KIB;
/** Matches the methods whose requests hold call details. */
const CALLS = /\/(OnCallStart|OnCallEnd|TestWebhook)$/;
const ADMIN = /^\/callhooks\.v1\.(AgentAdmin|WebhookAdmin)\//;
const WRITES = /\/(Create|Update|Delete)\w+$/;
const LISTS = /\/List\w+$/;

/** Returns the limits of a method, by its path (`/callhooks.v1.AgentAdmin/GetAgent`). */
export function limitsOf(path: string): MethodLimits {
  // A sent test counts as a pre-call. Its endpoint may be slow, and lists and admin RPCs must not wait for it.
  if (CALLS.test(path)) return { maxRequestBytes: 4 * MIB, isAdmin: false, isRead: false };
  const isWrite = WRITES.test(path);
  return {
    maxRequestBytes: isWrite ? MIB : 4 * KIB,
    isAdmin: ADMIN.test(path) || LISTS.test(path),
    isRead: !isWrite,
  };
}
