import type { IncomingHttpHeaders, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Metadata } from '@grpc/grpc-js';
import type { Arrival, CallGate } from '../../engine/limits/call-gate.ts';
import type { Refusals } from './refusals.ts';

/** Admits or refuses each HTTP/2 stream before grpc-js sees it. */
interface Arrivals {
  /** Reports whether a stream may go on to grpc-js. It refuses every other stream. */
  admit(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean;
  /** Returns the arrival of an admitted call, by its gRPC headers. */
  arrivalOf(headers: Metadata): Arrival;
}

/** The parts that decide about a stream. */
interface ArrivalDeps {
  /** Every call is admitted when it is absent. */
  readonly gate?: CallGate | undefined;
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
const UNCOUNTED: Arrival = { received: ignore, decided: ignore, leave: ignore };

/** Makes the arrivals of one server. */
export function createArrivals({ gate, refusals, isClosing }: ArrivalDeps): Arrivals {
  const openRpcs = new WeakMap<Http2Session, number>();
  const arrivals = new Map<string, Arrival>();
  let lastTicket = 0;

  const countRpc = (session: Http2Session, change: 1 | -1): void => {
    openRpcs.set(session, (openRpcs.get(session) ?? 0) + change);
  };
  const isGated = (path: string | undefined): boolean => GATED_PATHS.has(path) && !isClosing();

  return {
    admit: (stream, headers) => {
      const ticket = String((lastTicket += 1));
      headers[TICKET_HEADER] = ticket;
      const { session } = stream;
      // The connection is already closed, and grpc-js ends the stream.
      if (session === undefined) return true;
      if ((openRpcs.get(session) ?? 0) >= MAX_RPCS_PER_CONNECTION) {
        refusals.refuse(stream, 'rpcs_per_connection');
        return false;
      }
      if (gate !== undefined && isGated(headers[':path'])) {
        const arrival = gate.arrive();
        if (arrival === undefined) {
          refusals.refuse(stream, gate.isOverloaded() ? 'write_queue_age' : 'calls_waiting');
          return false;
        }
        arrivals.set(ticket, arrival);
      }
      countRpc(session, 1);
      stream.once('close', () => {
        countRpc(session, -1);
        arrivals.get(ticket)?.leave();
        arrivals.delete(ticket);
      });
      return true;
    },
    arrivalOf: (headers) => arrivals.get(String(headers.get(TICKET_HEADER)[0])) ?? UNCOUNTED,
  };
}

function ignore(): void {}
