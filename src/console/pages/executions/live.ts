import type { Context } from 'hono';
import {
  ExecutionLogService,
  ExecutionState,
  type ListExecutionsRequest,
  type WatchExecutionsRequest,
  type WatchExecutionsResponse,
} from '../../../gen/index.callhooks.v1.ts';
import { executionRows } from '../../layout/execution-table.ts';
import type { ConsoleEnv } from '../../viewer.ts';
import { filterQuery, parseFilter } from './filter.ts';

const ENDED: readonly ExecutionState[] = [
  ExecutionState.EXECUTION_STATE_SUCCEEDED,
  ExecutionState.EXECUTION_STATE_FAILED,
  ExecutionState.EXECUTION_STATE_INTERRUPTED,
];
/** A browser connects again then, so that a token that was taken away does not see more for longer than this. */
const STREAM_MS = 5 * 60_000;
// WatchExecutions refuses to begin more than 24 hours ago.
const MAX_RESUME_MS = 23 * 3_600_000;

/** Returns the path of the live list of a filter, or undefined when no execution of it can end. */
export function livePath(request: ListExecutionsRequest): string | undefined {
  if (request.states.length > 0 && !request.states.some((state) => ENDED.includes(state))) return undefined;
  return `/console/executions/live?${filterQuery({ ...request, pageSize: 0 })}`;
}

/**
 * Answers with server-sent events (HTML Living Standard, 9.2). Each event has the rows of executions that have ended, and how
 * many were left out. Its id is the time from which a browser goes on when it connects again.
 */
export async function liveExecutions(c: Context<ConsoleEnv>): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  const { request, problems } = parseFilter(query, Date.now());
  const [problem] = problems;
  if (problem !== undefined) return c.text(`${problem.join(' ')}\n`, 400);
  if (c.req.method === 'HEAD') return c.body(null);
  if (!c.var.beginStream()) return c.text('too many live lists are open\n', 503, { 'retry-after': '10' });
  const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(STREAM_MS)]);
  const from = c.req.header('last-event-id') ?? query.get('finished_at_from') ?? '';
  const watch = watchRequest(request, resumeTime(from, Date.now()));
  const stream = c.var.api.stream(ExecutionLogService.watchExecutions, watch, signal);
  const updates = stream[Symbol.asyncIterator]();
  // The first update comes at once. What is refused is answered with a status.
  const first = await updates.next();
  return c.body(
    toEvents(first, updates, (update) => eventOf(c, update)),
    200,
    {
      'content-type': 'text/event-stream; charset=utf-8',
      // A proxy may keep the events of a stream until it has more of them.
      'x-accel-buffering': 'no',
    },
  );
}

function watchRequest(
  request: ListExecutionsRequest,
  finishedAtFrom: Date | undefined,
): WatchExecutionsRequest {
  const { pageSize: _size, pageToken: _token, ...filter } = request;
  return { ...filter, states: filter.states.filter((state) => ENDED.includes(state)), finishedAtFrom };
}

function resumeTime(text: string, nowMs: number): Date | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms > nowMs ? undefined : new Date(Math.max(ms, nowMs - MAX_RESUME_MS));
}

async function eventOf(
  { var: { agentNames, viewer, api } }: Context<ConsoleEnv>,
  { executions, dropped, finishedAtTo }: WatchExecutionsResponse,
): Promise<string> {
  const names = await agentNames.read(
    viewer,
    api,
    executions.map(({ agentUuid }) => agentUuid),
  );
  const newestFirst = executions.toReversed();
  const rows = executionRows(newestFirst, names).toString();
  const data = JSON.stringify({ rows, dropped: Number(dropped) });
  return `event: ended\nid: ${finishedAtTo?.toISOString() ?? ''}\ndata: ${data}\n\n`;
}

/** Returns the events as a stream that asks for the next update when the browser has read those before. */
function toEvents<Update>(
  first: IteratorResult<Update>,
  updates: AsyncIterator<Update>,
  eventOfUpdate: (update: Update) => Promise<string>,
): ReadableStream<Uint8Array> {
  let known: IteratorResult<Update> | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const next = known ?? (await updates.next());
          known = undefined;
          if (next.done === true) controller.close();
          else controller.enqueue(Buffer.from(await eventOfUpdate(next.value)));
        } catch {
          // The server shuts down, or the cause is in the log. A browser connects again.
          controller.close();
        }
      },
      cancel: async () => void (await updates.return?.()),
    },
    { highWaterMark: 0 },
  );
}
