import { z } from 'zod';
import type { GetExecutionRequest } from '../../commands/get-execution.ts';
import type { ListExecutionsRequest } from '../../commands/list-executions.ts';
import type { WatchExecutionsRequest } from '../../commands/watch-executions.ts';
import { ENDED_STATES, type ExecutionState } from '../../domain/execution.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import type { ExecutionFilter } from '../../store/execution-store.ts';
import { EXECUTION_STATES, FAILURE_CODE_NUMBERS, WEBHOOK_TYPES } from '../messages/wire-values.ts';
import { executionTokens } from '../page-tokens.ts';
import * as fields from './fields.ts';
import { createReader, type Reader } from './reader.ts';

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseGetExecution(message: pb.GetExecutionRequest): GetExecutionRequest {
  const reader = createReader();
  const executionUuid = reader.readUuid('execution_uuid', message.executionUuid);
  reader.refuseIfBroken();
  return { executionUuid: executionUuid as string };
}

/**
 * Parses the request.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseListExecutions(message: pb.ListExecutionsRequest): ListExecutionsRequest {
  const reader = createReader();
  const filter = readFilter(reader, message);
  const pageSize = reader.read('page_size', fields.pageSize, message.pageSize);
  const after = reader.read('page_token', fields.pageToken(executionTokens(filter)), message.pageToken);
  reader.refuseIfBroken();
  return { filter, pageSize: pageSize as number, after };
}

const DAY_MS = 86_400_000;
const ended: readonly ExecutionState[] = ENDED_STATES;
const allStates = fields.wordList(EXECUTION_STATES);
const endedStates = allStates.refine(
  (words) => words.every((word) => ended.includes(word)),
  'must only have states in which an execution has ended',
);

/**
 * Parses the request. `nowMs` is the time of the clock.
 * @throws CallhooksError VALIDATION_FAILED
 */
export function parseWatchExecutions(
  message: pb.WatchExecutionsRequest,
  nowMs: number = Date.now(),
): WatchExecutionsRequest {
  const reader = createReader();
  const filter = readFilter(reader, message, endedStates);
  const sinceYesterday = fields.optionalTimestamp.refine(
    (ms) => ms === undefined || ms >= nowMs - DAY_MS,
    'must not be more than 24 hours ago',
  );
  const finishedFromMs = reader.read('finished_at_from', sinceYesterday, message.finishedAtFrom);
  reader.refuseIfBroken();
  return { filter, finishedFromMs };
}

type FilterMessage = Omit<pb.ListExecutionsRequest, 'pageSize' | 'pageToken'>;

function readFilter(
  { read }: Reader,
  message: FilterMessage,
  stateList: typeof allStates = allStates,
): ExecutionFilter {
  return withoutUnset({
    agentUuid: read('agent_uuid', fields.agentUuid, message.agentUuid),
    conversationUuid: read('conversation_uuid', fields.conversationUuid, message.conversationUuid),
    webhookUuid: read('webhook_uuid', fields.webhookUuid, message.webhookUuid),
    webhookType: read('webhook_type', fields.optionalWord(WEBHOOK_TYPES), message.webhookType),
    states: read('states', stateList, message.states) ?? [],
    failureCodes: read('failure_codes', fields.wordList(FAILURE_CODE_NUMBERS), message.failureCodes) ?? [],
    degraded: read('degraded', z.boolean().optional(), message.degraded),
    rejected: read('rejected', z.boolean().optional(), message.rejected),
    acceptedFromMs: read('accepted_at_from', fields.optionalTimestamp, message.acceptedAtFrom),
    acceptedToMs: read('accepted_at_to', fields.optionalTimestamp, message.acceptedAtTo),
  });
}

type WithoutUnset<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Returns the fields that are not undefined, because the filter is compared with the filter of a page token. */
function withoutUnset<T extends object>(fields: T): WithoutUnset<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as WithoutUnset<T>;
}
