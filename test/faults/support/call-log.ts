import { RpcError } from '../../support/rpc.ts';
import { errorResponse, replyResponse, type CallResponse } from './call-response.ts';
import type { Replica } from './replica.ts';
import { watchStalls, type Stall } from './stalls.ts';

/** A call to be made. */
export interface Call {
  /** OnCallStart or OnCallEnd. */
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  readonly conversationUuid: string;
  readonly deadlineMs?: number;
}

/** A call that was made, with its response. Instants are epoch milliseconds. */
export interface LoggedCall {
  readonly rpc: 'start' | 'end';
  readonly agentUuid: string;
  readonly conversationUuid: string;
  /** The name of the replica that was called. */
  readonly replica: string;
  readonly sentAtMs: number;
  readonly deadlineAtMs: number;
  readonly respondedAtMs: number;
  readonly response: CallResponse;
}

/** Makes calls and remembers the response of each. */
export interface CallLog {
  /** Makes a call. Never rejects: an error is a response too. */
  call(replica: Replica, call: Call): Promise<CallResponse>;
  /** Adds calls that another process has made, and the stalls of that process. */
  add(entries: readonly LoggedCall[], stalls: readonly Stall[]): void;
  readonly entries: readonly LoggedCall[];
  /** Lists the times in which this process got no turn, or one whose calls were added. */
  readonly stalls: readonly Stall[];
  close(): void;
}

const DEADLINE_MS = 8_000;
// The caller itself waits longer than its deadline, so that a late reply is seen as late.
const PATIENCE_MS = 3_000;

/** Creates an empty call log. */
export function createCallLog(): CallLog {
  const entries: LoggedCall[] = [];
  const stalls: Stall[] = [];
  const texts = new Map<string, string>();
  const unwatch = watchStalls((stall) => stalls.push(stall));
  // Equal replies share one text: a long run makes very many of them.
  const share = (response: CallResponse): CallResponse => {
    if (response.kind === 'error') return response;
    const text = texts.get(response.text) ?? response.text;
    texts.set(text, text);
    return { ...response, text };
  };
  return {
    entries,
    stalls,
    call: async (replica, call) => {
      const { rpc, agentUuid, conversationUuid, deadlineMs = DEADLINE_MS } = call;
      const sentAtMs = Date.now();
      const response = await send(replica, call, deadlineMs);
      entries.push({
        rpc,
        agentUuid,
        conversationUuid,
        replica: replica.name,
        sentAtMs,
        deadlineAtMs: sentAtMs + deadlineMs,
        respondedAtMs: Date.now(),
        response: share(response),
      });
      return response;
    },
    add: (more, itsStalls) => {
      for (const entry of more) entries.push(entry);
      stalls.push(...itsStalls);
    },
    close: unwatch,
  };
}

async function send(replica: Replica, call: Call, deadlineMs: number): Promise<CallResponse> {
  const { agentUuid, conversationUuid, rpc } = call;
  const { calls } = replica.rpc;
  // The header names the deadline; the client's own clock does not cut the call off at it.
  const options = {
    deadlineMs: Infinity,
    headers: { 'grpc-timeout': `${deadlineMs}m` },
    signal: AbortSignal.timeout(deadlineMs + PATIENCE_MS),
  };
  const request = { agentUuid, conversationUuid, callerPhone: `+49 ${conversationUuid}` };
  try {
    if (rpc === 'start') return replyResponse(await calls.onCallStart(request, options));
    return replyResponse(await calls.onCallEnd({ ...request, callSummary: 'bye' }, options));
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return errorResponse(error);
  }
}
