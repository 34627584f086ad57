import type { Dispatcher } from 'undici';
import { ConnectionGoneError } from './connection.ts';
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

/** Sends one request on one connection and reads its response. Never rejects; the connection is given back or closed. */
export const exchange = (input: ExchangeInput): Promise<ExchangeResult> =>
  new Promise((resolve) => {
    const { connection, target, request, limit } = input;
    const state = startExchange(input, resolve);
    limit.onEnd((reason) => endEarly(state, reason));
    connection.dispatch(
      {
        path: target.path,
        method: request.method,
        headers: Object.entries(request.headers).flat(),
        body: request.body ?? null,
      },
      handlerFor(state),
    );
  });

const handlerFor = (state: ExchangeState): Dispatcher.DispatchHandler => ({
  onRequestStart: (controller) => {
    if (!begin(state)) controller.abort(new ConnectionGoneError());
  },
  onResponseStart: (controller, status) => {
    if (status < 200) countInterim(state);
    else takeHead(state, readHead(status, controller.rawHeaders, state.input.options));
  },
  onResponseData: (_controller, chunk) => addData(state, chunk),
  onResponseEnd: () => complete(state),
  onResponseError: (_controller, error) => breakOff(state, error),
});
