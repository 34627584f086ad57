import {
  ExecutionLogService,
  ExecutionState,
  type Execution,
  type ListExecutionsRequest,
} from '../../gen/index.callhooks.v1.ts';
import { ApiError } from '../client/api-error.ts';
import type { Api } from '../client/connect.ts';

// A pre-call takes 60 s at most, and is marked interrupted soon after. What ends later than this after its accept is
// followed one by one, and everything else is found by a list of this window.
const WINDOW_MS = 90_000;
const PAGE_SIZE = 200;
const MAX_PAGES = 25;

const OPEN = [ExecutionState.EXECUTION_STATE_ACCEPTED, ExecutionState.EXECUTION_STATE_SENDING];

/** Finds the executions that have ended since the last time. */
export interface EndedPoll {
  /** Returns those that were accepted at `since` or later and have ended. Without it, it returns none. */
  begin(since: Date | undefined): Promise<readonly Execution[]>;
  /** Returns those that have ended since, in the order of their ends. After a rejection it returns them the next time. */
  next(): Promise<readonly Execution[]>;
}

/**
 * Makes a poll of the executions that match a filter, whose states are those of ended executions. It goes by the times of
 * the database alone. It reads 5,000 executions at once at most; when there are more, it tells `onTooMany` and leaves
 * some out.
 */
export function createEndedPoll(api: Api, filter: ListExecutionsRequest, onTooMany: () => void): EndedPoll {
  // When the newest execution that was found was accepted: in the last poll, and in the one before.
  let newestMs = 0;
  let previousMs = 0;
  /** Those that were returned and may be found again, with the times of their accepts. */
  const returned = new Map<string, number>();
  /** Those that were accepted before the window, and have not ended. */
  let open: ReadonlySet<string> = new Set<string>();

  // An execution whose accept lies before `newestMs - WINDOW_MS / 2` is followed as open, and one behind
  // `previousMs - WINDOW_MS` is in the list. The two overlap, so that none is lost when the window moves.
  const next = async (from: Date): Promise<Execution[]> => {
    const late = await readLate(api, filter, open, new Date(newestMs - WINDOW_MS / 2), onTooMany);
    const { found } = await list(api, { ...filter, acceptedAtFrom: from }, onTooMany);
    open = late.open;
    const fresh = new Map<string, Execution>();
    for (const execution of [...late.ended, ...found])
      if (!returned.has(execution.executionUuid)) fresh.set(execution.executionUuid, execution);
    for (const { executionUuid, acceptedAt } of fresh.values())
      returned.set(executionUuid, Number(acceptedAt));
    previousMs = newestMs;
    for (const { acceptedAt } of found) newestMs = Math.max(newestMs, Number(acceptedAt));
    for (const [executionUuid, acceptedMs] of returned)
      if (acceptedMs < previousMs - WINDOW_MS) returned.delete(executionUuid);
    return [...fresh.values()].toSorted((a, b) => Number(a.finishedAt) - Number(b.finishedAt));
  };

  const windowStart = (): Date => new Date(Math.max(0, previousMs - WINDOW_MS));

  return {
    begin: async (since) => {
      const newest = await api.call(ExecutionLogService.listExecutions, { ...filter, pageSize: 1 });
      newestMs = previousMs = Number(newest.executions[0]?.acceptedAt ?? 0);
      if (since === undefined) {
        await next(windowStart());
        return [];
      }
      const before = await next(new Date(Math.min(Number(since), Number(windowStart()))));
      return before.filter(({ acceptedAt }) => Number(acceptedAt) >= Number(since));
    },
    next: () => next(windowStart()),
  };
}

/** Returns those that have left the open ones, if they match, and those that are open now. */
async function readLate(
  api: Api,
  filter: ListExecutionsRequest,
  open: ReadonlySet<string>,
  acceptedAtTo: Date,
  onTooMany: () => void,
): Promise<{ ended: Execution[]; open: ReadonlySet<string> }> {
  if (acceptedAtTo.getTime() <= 0) return { ended: [], open };
  const any = { failureCodes: [], degraded: undefined, rejected: undefined };
  const { found, isWhole } = await list(api, { ...filter, ...any, states: OPEN, acceptedAtTo }, onTooMany);
  const stillOpen = new Set(found.map(({ executionUuid }) => executionUuid));
  const ended: Execution[] = [];
  for (const executionUuid of open) {
    if (stillOpen.has(executionUuid)) continue;
    const execution = await readExecution(api, executionUuid);
    if (execution !== undefined && execution.finishedAt === undefined && !isWhole)
      stillOpen.add(executionUuid);
    if (execution?.finishedAt !== undefined && matches(execution, filter)) ended.push(execution);
  }
  return { ended, open: stillOpen };
}

async function list(
  api: Api,
  request: ListExecutionsRequest,
  onTooMany: () => void,
): Promise<{ found: Execution[]; isWhole: boolean }> {
  const found: Execution[] = [];
  let pageToken = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const reply = await api.call(ExecutionLogService.listExecutions, {
      ...request,
      pageSize: PAGE_SIZE,
      pageToken,
    });
    found.push(...reply.executions);
    pageToken = reply.nextPageToken;
    if (pageToken === '') return { found, isWhole: true };
  }
  onTooMany();
  return { found, isWhole: false };
}

/** Returns an execution, or undefined when it was purged. */
async function readExecution(api: Api, executionUuid: string): Promise<Execution | undefined> {
  try {
    return (await api.call(ExecutionLogService.getExecution, { executionUuid })).execution;
  } catch (error) {
    if (error instanceof ApiError && error.refusal.status === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function matches({ state, failure, degraded, rejected }: Execution, filter: ListExecutionsRequest): boolean {
  return (
    filter.states.includes(state) &&
    (filter.failureCodes.length === 0 || filter.failureCodes.includes(failure?.code ?? 0)) &&
    (filter.degraded ?? degraded) === degraded &&
    (filter.rejected ?? rejected) === rejected
  );
}
