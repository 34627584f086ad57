import { createScope } from '../../domain/scope.ts';
import type { Agent, CallFacts, Failure, StartVariables, Webhook } from '../../domain/types.ts';
import { jsonBytes } from '../../domain/json-path.ts';
import { mergeEnd } from '../../domain/variables.ts';
import { CallhooksError, DatabaseError } from '../../errors.ts';
import type { ExecutionStore, WaitingEnd } from '../../store/types.ts';
import type { AgentCache } from '../agent-cache.ts';
import type { HeldBytes } from '../limits/byte-budget.ts';
import { OUR_BUG, unsent, type Exchange, type Exchanges } from '../webhook-run/webhook-run.ts';
import { toOutcome, type ExecutionLine } from '../webhook-run/outcome.ts';
import { recordOrLog } from '../webhook-run/record-outcome.ts';
import type { ReadyWebhook } from '../webhook-run/runnable-webhook.ts';
import { settle } from '../writes/retry-write.ts';
import type { OnStep } from '../fault-points.ts';
import type { Writes } from '../writes/execution-writes.ts';

/** What sending one post-call needs. */
export interface PostCallDeps {
  readonly writes: Writes;
  readonly store: ExecutionStore;
  readonly agents: AgentCache;
  readonly open: (agent: Agent, webhook: Webhook) => ReadyWebhook;
  readonly exchanges: Exchanges;
  readonly newClaim: () => string;
  readonly instance: string;
  readonly recordBytes: number;
  readonly onStep: OnStep;
  readonly onError: (error: unknown, executionUuid?: string) => void;
  readonly onExecution: (line: ExecutionLine) => void;
  /** Aborted when the grace of a shutdown is over. */
  readonly signal: AbortSignal;
  /** Aborted when the process ends: what the database does not take then is only logged. */
  readonly lastWrites: AbortSignal;
}

const NOTHING_RENDERED = { missingVariables: [] };

/**
 * Claims an accepted post-call and sends it once; the caller holds a slot for it, and room for its body until that is
 * known. Resolves when the outcome is on record, or at once when the claim was somebody else's. `webhook` is the
 * revision known before the claim.
 */
export const sendPostCall = async (
  deps: PostCallDeps,
  end: WaitingEnd,
  webhook: Webhook,
  held: HeldBytes,
): Promise<void> => {
  const claim = deps.newClaim();
  const timeLimitMs = webhook.config.responseTimeoutSecs * 1000;
  deps.onStep('end.unclaimed', end.conversationUuid);
  const claimed = await settle(
    () =>
      deps.writes.claimEnd({
        executionUuid: end.executionUuid,
        claim,
        webhookEtag: webhook.etag,
        timeLimitMs,
        instance: deps.instance,
      }),
    { signal: deps.signal },
  );
  if (claimed === 'lost') return;
  await sendClaimed(deps, { end, claim, timeLimitMs, held, knownEtag: webhook.etag });
};

/** A post-call that is ours: what was fixed at its claim, and the bytes that it holds until it is on record. */
interface Claimed {
  readonly end: WaitingEnd;
  readonly claim: string;
  readonly timeLimitMs: number;
  readonly held: HeldBytes;
  readonly knownEtag: string;
}

const sendClaimed = async (deps: PostCallDeps, claimed: Claimed): Promise<void> => {
  const { end, claim } = claimed;
  const claimedAtMs = performance.now();
  deps.onStep('end.claimed', end.conversationUuid);
  const { exchange, etag = claimed.knownEtag } = await perform(deps, claimed).catch(
    (error: unknown): Performed => {
      deps.onError(error, end.executionUuid);
      return { exchange: unsent(NOTHING_RENDERED, isAway(error) ? STOPPED : OUR_BUG_BEFORE_SENDING) };
    },
  );
  deps.onStep('end.answered', end.conversationUuid);
  const outcome = toOutcome(
    { executionUuid: end.executionUuid, webhookType: 'post_call', claim, webhookEtag: etag, claimedAtMs },
    exchange,
  );
  await recordOrLog(deps, end, outcome);
  deps.onStep('end.recorded', end.conversationUuid);
};

const isAway = (error: unknown): boolean =>
  error instanceof DatabaseError && error.kind !== 'row' && error.kind !== 'bug';

const OUR_BUG_BEFORE_SENDING: Failure = {
  code: 'INTERNAL',
  message: 'internal error before the request began; the log has its cause',
  sent: 'no',
};

interface Performed {
  readonly exchange: Exchange;
  readonly etag?: string;
}

// Reads are repeated until the process ends.
const STOPPED: Failure = {
  code: 'SHUTDOWN',
  message: 'the process ended while the database was away, before the request began',
  sent: 'no',
};

// After the claim everything is read again: what the cache said may be a second old.
const perform = async (deps: PostCallDeps, claimed: Claimed): Promise<Performed> => {
  const { signal } = deps;
  const { end } = claimed;
  const facts = await settle(() => deps.store.findFacts(end.executionUuid), { signal });
  const recorded = await settle(() => deps.store.findStart(end.conversationUuid), { signal });
  const agent = await settle(() => deps.agents.readFresh(end.agentUuid), { signal });
  const webhook = agent?.webhooks.find(({ webhookUuid }) => webhookUuid === end.webhookUuid);
  if (agent === undefined || webhook === undefined || webhook.disabled) {
    return { exchange: unsent(NOTHING_RENDERED, WEBHOOK_REMOVED) };
  }
  const start = recorded === undefined || recorded === 'purged' ? undefined : recorded.start;
  if (facts === undefined) throw new Error('an accepted row has no facts');
  return { exchange: await exchangeWith(deps, claimed, agent, webhook, facts, start), etag: webhook.etag };
};

/** The end of a post-call whose webhook is gone or disabled when it would begin. */
export const WEBHOOK_REMOVED: Failure = {
  code: 'WEBHOOK_REMOVED',
  message: 'the webhook was deleted or disabled before the request began',
  sent: 'no',
};

/** The end of a post-call that nobody could begin in time. */
export const EXPIRED: Failure = {
  code: 'EXPIRED',
  message: 'the request could not begin within CALLHOOKS_START_BY',
  sent: 'no',
};

const exchangeWith = async (
  deps: PostCallDeps,
  { end, timeLimitMs, held }: Claimed,
  agent: Agent,
  webhook: Webhook,
  facts: CallFacts,
  start: StartVariables | undefined,
): Promise<Exchange> => {
  const ready = openOrUndefined(deps, agent, webhook);
  if (ready === undefined) return unsent(NOTHING_RENDERED, KEY_GONE);
  const { variables } = mergeEnd(agent.dynamicVariables, start, facts.dynamicVariables);
  const scope = createScope({
    webhookType: 'post_call',
    agentUuid: end.agentUuid,
    conversationUuid: end.conversationUuid,
    facts: { ...facts, callerPhone: facts.callerPhone || (start?.callerPhone ?? '') },
    variables,
    secrets: ready.secrets,
  });
  deps.onStep('end.rendering', end.conversationUuid);
  const rendered = deps.exchanges.render({
    ready,
    scope,
    executionUuid: end.executionUuid,
    traceparent: facts.traceparent,
    recordBytes: deps.recordBytes,
  });
  const factsBytes = jsonBytes(facts.metadata) + jsonBytes(facts.dynamicVariables);
  held.become(factsBytes + (rendered.request?.body?.length ?? 0));
  const expiresAtMs = performance.now() + timeLimitMs;
  const { recordBytes, signal } = deps;
  const sending = deps.exchanges.send({ ready, rendered, variables, expiresAtMs, recordBytes, held, signal });
  return sending.catch((error: unknown) => {
    deps.onError(error, end.executionUuid);
    return OUR_BUG;
  });
};

const openOrUndefined = (deps: PostCallDeps, agent: Agent, webhook: Webhook): ReadyWebhook | undefined => {
  try {
    return deps.open(agent, webhook);
  } catch (error) {
    if (error instanceof CallhooksError && error.reason === 'KEY_UNAVAILABLE') return undefined;
    throw error;
  }
};

const KEY_GONE: Failure = {
  code: 'INTERNAL',
  message: 'the key of a secret was taken from this replica between the claim and the request',
  sent: 'no',
};
