import { assign } from '../../domain/assignments.ts';
import { readResponse } from '../../domain/read-response.ts';
import { RECORD_MARGIN_BYTES, recordResponse } from '../../domain/record.ts';
import type {
  Failure,
  JsonObject,
  MissedAssignment,
  RequestRecord,
  ResponseRecord,
  Timings,
  VariableSource,
} from '../../domain/types.ts';
import type { HttpExecutor, ReceivedResponse } from '../../http/types.ts';
import type { HeldBytes } from '../limits/byte-budget.ts';
import type { ReadyWebhook } from './runnable-webhook.ts';
import { renderExchange, type Rendered, type RenderDeps, type RenderInput } from './signed-request.ts';

/** What came of one run of a webhook: without `failure` it succeeded. */
export interface Exchange {
  readonly failure?: Failure;
  readonly timings: Timings;
  readonly missingVariables: readonly string[];
  readonly missedAssignments: readonly MissedAssignment[];
  readonly request?: RequestRecord;
  readonly response?: ResponseRecord;
  readonly assigned: JsonObject;
  readonly assignedSources: Readonly<Record<string, VariableSource>>;
}

/** What sends it: `variables` are those before assignments, `held` the bytes of this call. */
export interface SendInput {
  readonly ready: ReadyWebhook;
  readonly rendered: Rendered;
  readonly variables: JsonObject;
  readonly expiresAtMs: number;
  readonly recordBytes: number;
  readonly held: HeldBytes;
  readonly signal: AbortSignal;
}

/** Runs webhooks: rendering is pure, sending happens at most once per call of `send`. */
export interface Exchanges {
  render(input: RenderInput): Rendered;
  send(input: SendInput): Promise<Exchange>;
}

/** What an exchange needs from outside. */
export interface ExchangeDeps extends RenderDeps {
  readonly executor: HttpExecutor;
  readonly maxResponseBytes: number;
}

/** The exchange that ends without a byte sent, for a reason known beforehand. */
export const unsent = (
  rendered: Pick<Rendered, 'record' | 'missingVariables'>,
  failure: Failure,
): Exchange => ({
  failure,
  timings: {},
  missingVariables: rendered.missingVariables,
  missedAssignments: [],
  ...(rendered.record ? { request: rendered.record } : {}),
  assigned: {},
  assignedSources: {},
});

/** The exchange in which we failed ourselves, so that nobody knows whether the endpoint saw the request. */
export const OUR_BUG: Exchange = unsent(
  { missingVariables: [] },
  { code: 'INTERNAL', message: 'internal error; the log has its cause', sent: 'maybe' },
);

/** The same exchange with the milliseconds that it waited before it began; they count in its total. */
export const afterQueue = (exchange: Exchange, queuedMs: number): Exchange => {
  const { totalMs } = exchange.timings;
  if (totalMs === undefined) return exchange;
  return { ...exchange, timings: { ...exchange.timings, queuedMs, totalMs: queuedMs + totalMs } };
};

/** Makes the exchanges. */
export const createExchanges = (deps: ExchangeDeps): Exchanges => ({
  render: (input) => renderExchange(deps, input),
  send: (input) => send(deps, input),
});

const send = async (deps: ExchangeDeps, input: SendInput): Promise<Exchange> => {
  const { ready, rendered, recordBytes, held, signal, expiresAtMs } = input;
  if (rendered.request === undefined) return unsent(rendered, rendered.failure ?? noRequest);
  const needsBody = ready.webhook.config.assignments.length > 0;
  const result = await deps.executor.send(rendered.request, {
    expiresAtMs,
    read: needsBody ? 'whole' : 'record',
    maxBodyBytes: deps.maxResponseBytes,
    recordBytes: recordBytes === 0 ? 0 : recordBytes + RECORD_MARGIN_BYTES,
    signal,
    reserveBytes: held.reserve,
  });
  const failure = result.failure && { ...result.failure, message: rendered.mask(result.failure.message) };
  const { response } = result;
  const read = failure || !response ? { failure } : assignFrom(input, response);
  return {
    ...unsentParts(rendered),
    ...(read.failure ? { failure: read.failure } : {}),
    timings: result.timings,
    missedAssignments: read.missed ?? [],
    ...(response ? { response: recordResponse(response, rendered.mask, recordBytes) } : {}),
    assigned: read.assigned ?? {},
    assignedSources: read.sources ?? {},
  };
};

const noRequest: Failure = { code: 'INTERNAL', message: 'nothing was rendered', sent: 'no' };

const unsentParts = (rendered: Rendered) => ({
  missingVariables: rendered.missingVariables,
  ...(rendered.record ? { request: rendered.record } : {}),
});

interface Read {
  readonly failure?: Failure | undefined;
  readonly missed?: readonly MissedAssignment[];
  readonly assigned?: JsonObject;
  readonly sources?: Readonly<Record<string, VariableSource>>;
}

const assignFrom = ({ ready, variables }: SendInput, response: ReceivedResponse): Read => {
  const rules = ready.webhook.config.assignments;
  if (rules.length === 0) return {};
  const body = readResponse(response);
  if (!body.ok) return { failure: { code: 'INVALID_RESPONSE', message: body.message, sent: 'yes' } };
  const result = assign(rules, body.value, variables);
  return result.ok ? result : { failure: result.failure, missed: result.missed };
};
