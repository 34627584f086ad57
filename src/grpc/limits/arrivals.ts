import type { IncomingHttpHeaders, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import type { AccessControl } from '../../access/access-control.ts';
import type { ByteBudget } from '../../engine/limits/byte-budget.ts';
import type { Arrival, CallGate } from '../../engine/limits/call-gate.ts';
import { createArrivingMessages, type ArrivingMessage } from './arriving-messages.ts';
import { limitsOf, MAX_REQUEST_BYTES } from '../decode-request.ts';
import type { Refusals } from './refusals.ts';

/** Admits or refuses each HTTP/2 stream before grpc-js sees it. */
interface Arrivals {
  /** Reports whether a stream may go on to grpc-js. It refuses every other stream. */
  admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  /** Returns the message of an admitted RPC, by its gRPC headers. */
  messageOf(headers: Metadata): ArrivingMessage;
}

/** The parts that decide about a stream. */
interface ArrivalDeps {
  /** Every call is admitted when it is absent. */
  readonly gate?: CallGate | undefined;
  /** The bytes of messages are reserved in it. They are not bounded when it is absent. */
  readonly budget?: ByteBudget | undefined;
  /** Decides who may call what. */
  readonly accessControl: AccessControl;
  readonly refusals: Refusals;
  /** Reports whether the server closes. Calls then go on to the adapter, which refuses them with that reason. */
  readonly isClosing: () => boolean;
}

/** The most RPCs at once on a connection. http2-settings.ts says why the limit of HTTP/2 is higher. */
const MAX_RPCS_PER_CONNECTION = 1_000;

const GATED_PATHS: ReadonlySet<string | undefined> = new Set([
  '/callhooks.v1.CallLifecycle/OnCallStart',
  '/callhooks.v1.CallLifecycle/OnCallEnd',
]);
/** Carries the key of an arrival to the adapter. grpc-js hands on nothing of a stream but its headers. */
const TICKET_HEADER = 'callhooks-ticket';
/** Carries the name of the caller's token to the adapter. What a client sends under this name is overwritten. */
export const CALLER_HEADER = 'callhooks-caller';
const UNGATED: Arrival = { received: ignore, decided: ignore, leave: ignore };
const UNCOUNTED: ArrivingMessage = {
  call: UNGATED,
  received: ignore,
  answered: ignore,
  reserve: () => true,
  reserveForStream: () => true,
  end: ignore,
};
/** The paths of callhooks. Each RPC has one message. The streams of health and reflection may stay open without one. */
const OWN_PATHS = '/callhooks.';
/** The most bytes of all messages of a stream of health or reflection. */
const MAX_OTHER_BYTES = 1024 * 1024;

/** Makes the arrivals of one server. */
export function createArrivals({ gate, budget, accessControl, refusals, isClosing }: ArrivalDeps): Arrivals {
  const openRpcs = new WeakMap<Http2Session, number>();
  const messages = new Map<string, ArrivingMessage>();
  const arriving = createArrivingMessages(budget, refusals);
  let lastTicket = 0;

  const countRpc = (session: Http2Session, change: 1 | -1): void => {
    openRpcs.set(session, (openRpcs.get(session) ?? 0) + change);
  };
  const admitCaller = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean => {
    const path = headers[':path'] ?? '';
    const { refusal, caller } = accessControl(path, headers.authorization);
    // Nothing that sees the headers from here on needs the token.
    delete headers.authorization;
    delete headers[CALLER_HEADER];
    if (caller !== undefined) headers[CALLER_HEADER] = caller;
    if (refusal !== undefined) refusals.refuse(stream, refusal, { path, caller });
    return refusal === undefined;
  };
  const isGated = (path: string | undefined): boolean => GATED_PATHS.has(path) && !isClosing();
  const begin = (stream: ServerHttp2Stream, call: Arrival, path: string): ArrivingMessage => {
    // A lifecycle RPC is known by its exact path, which spares it three patterns.
    if (GATED_PATHS.has(path)) return arriving.begin(stream, call, MAX_REQUEST_BYTES, true);
    const isOwn = path.startsWith(OWN_PATHS);
    return arriving.begin(stream, call, isOwn ? limitsOf(path).maxRequestBytes : MAX_OTHER_BYTES, isOwn);
  };

  return {
    admit: (stream, headers) => {
      const ticket = String((lastTicket += 1));
      headers[TICKET_HEADER] = ticket;
      const { session } = stream;
      // Strangers are refused before anything else, so that they take no room in the gate.
      if (!admitCaller(stream, headers)) return false;
      // The connection is already closed, and grpc-js ends the stream.
      if (session === undefined) return true;
      if ((openRpcs.get(session) ?? 0) >= MAX_RPCS_PER_CONNECTION) {
        refusals.refuse(stream, 'rpcs_per_connection');
        return false;
      }
      const path = headers[':path'];
      const call = gate !== undefined && isGated(path) ? gate.arrive() : UNGATED;
      if (call === undefined) {
        refusals.refuse(stream, gate?.isOverloaded() === true ? 'write_queue_age' : 'calls_waiting');
        return false;
      }
      const message = begin(stream, call, path ?? '');
      messages.set(ticket, message);
      countRpc(session, 1);
      stream.once('close', () => {
        countRpc(session, -1);
        call.leave();
        message.end();
        messages.delete(ticket);
      });
      return true;
    },
    messageOf: (headers) => messages.get(String(headers.get(TICKET_HEADER)[0])) ?? UNCOUNTED,
  };
}

function ignore(): void {}
