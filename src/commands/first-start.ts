import type { Agent, StartVariables } from '../domain/types.ts';
import type { HeldBytes } from '../engine/limits/byte-budget.ts';
import type { Slot } from '../engine/limits/request-slots.ts';
import { CallhooksError } from '../errors.ts';
import type { NewStart } from '../store/types.ts';
import type { CallScope, OnCallStartRequest } from './types.ts';

/** A start that is not on record yet: the request with all that was found for it. */
export interface FirstStart {
  readonly request: OnCallStartRequest;
  readonly scope: CallScope;
  readonly agent: Agent;
  readonly variables: StartVariables;
  readonly held: HeldBytes;
}

/** What names a new row. */
export interface RowDeps {
  readonly newUuid: () => string;
  readonly instance: string;
}

/** The row that a start inserts; without `webhook` nothing runs for it. */
export const toRow = (
  deps: RowDeps,
  { request, variables }: FirstStart,
  webhook?: NewStart['webhook'],
): NewStart => ({
  executionUuid: deps.newUuid(),
  agentUuid: request.agentUuid,
  conversationUuid: request.conversationUuid,
  ...(webhook ? { webhook } : {}),
  instance: deps.instance,
  start: variables,
});

/**
 * Rough size of that row. It holds the agent's defaults too, of which the message says nothing: 200 such rows in one
 * statement would break the connection.
 */
export const rowBytes = ({ variables }: FirstStart): number => JSON.stringify(variables).length;

/**
 * A caller who is gone before the claim leaves nothing behind; his slot is free again.
 * @throws CallhooksError DEADLINE_TOO_SHORT
 */
export const refuseWhenGone = ({ signal }: CallScope, slot?: Slot): void => {
  if (!signal.aborted) return;
  slot?.release();
  throw new CallhooksError('DEADLINE_TOO_SHORT', 'the caller went away before the claim; nothing was sent');
};
