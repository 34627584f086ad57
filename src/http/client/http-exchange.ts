import type { Dispatcher } from 'undici';
import { ConnectionGoneError, type Connection } from './connection.ts';
import {
  addData,
  begin,
  complete,
  countInterim,
  endEarly,
  breakOff,
  startExchange,
  takeHead,
  type ExchangeInput,
  type ExchangeResult,
  type ExchangeState,
} from './exchange-state.ts';
import { readHead } from './response-head.ts';
import type { TargetUrl } from '../egress/target-url.ts';

/**
 * Sends one request on one connection and reads its response. Never rejects. `onIdle` is called when the connection may
 * serve another request; in any other case it is closed.
 */
export const exchange = (
  input: ExchangeInput,
  target: TargetUrl,
  connection: Connection,
  onIdle: () => void,
): Promise<ExchangeResult> =>
  new Promise((resolve) => {
    const { request, headers, limit } = input;
    const state = startExchange(input, connection, onIdle, resolve);
    limit.onEnd((reason) => endEarly(state, reason));
    connection.dispatch(
      { path: target.path, method: request.method, headers, body: request.body ?? null },
      handlerFor(state),
    );
  });

const handlerFor = (state: ExchangeState): Dispatcher.DispatchHandler => ({
  onRequestStart: (controller) => {
    if (!begin(state)) controller.abort(new ConnectionGoneError());
  },
  onResponseStart: (controller, status) => {
    if (status < 200) return countInterim(state);
    state.connection.noteProgress();
    takeHead(state, readHead(status, controller.rawHeaders, state.input.options));
  },
  onResponseData: (_controller, chunk) => {
    state.connection.noteProgress();
    addData(state, chunk);
  },
  onResponseEnd: () => complete(state),
  onResponseError: (_controller, error) => breakOff(state, error),
});
