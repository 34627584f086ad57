/** A small voice platform: it takes one call with the context that callhooks loads for it. */
import { randomUUID } from 'node:crypto';
import { argv, env } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CallDecision,
  CallhooksClientError,
  createClient,
  ExecutionState,
  FailureCode,
  toText,
  WebhookType,
  type Execution,
  type OnCallStartResponse,
} from 'callhooks/client';

/** Covers all attempts. The caller hears the phone ring meanwhile. */
const START_TIMEOUT_MS = 12_000;
/** Says how long the program waits for the end of the post-call webhook. */
const RECORD_TIMEOUT_MS = 10_000;

/** With these codes callhooks could not answer now. Others mean that the request was wrong. */
const AWAY = new Set(['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED', 'ABORTED', 'INTERNAL']);

const [, , agentUuid = 'a0000000-0000-4000-8000-000000000001', callerPhone = '+14155550123', conversation] =
  argv;
const call = { agentUuid, conversationUuid: conversation ?? randomUUID() };
const token = env['CALLHOOKS_TOKEN'];
const callhooks = createClient({
  address: env['CALLHOOKS_ADDRESS'] ?? '127.0.0.1:50051',
  ...(token !== undefined && { token }),
});

/** Answers a call, or turns it away, and reports its end. Throws when the request itself was wrong. */
async function takeCall(): Promise<void> {
  const { greeting, talk } = await start();
  console.log(`say: ${greeting}`);
  if (talk) {
    // Here the agent would talk.
    await end(42);
  }
  await printRecord();
}

/** Asks callhooks what to do with a call. Returns what the caller hears first, and whether the call goes on. */
async function start(): Promise<{ greeting: string; talk: boolean }> {
  try {
    // The client repeats it after UNAVAILABLE and LIMIT_REACHED, and waits as long as the server asks for.
    return obey(await callhooks.calls.onCallStart({ ...call, callerPhone }, { timeoutMs: START_TIMEOUT_MS }));
  } catch (error) {
    if (!(error instanceof CallhooksClientError)) throw error;
    printError('start', error);
    // The caller is not to blame: talk without the context.
    if (AWAY.has(error.code)) return { greeting: 'Hello!', talk: true };
    console.log("say: Sorry, we can't take your call now.");
    throw error;
  }
}

function obey({ decision, degraded, dynamicVariables, rejected, rejectReason }: OnCallStartResponse) {
  if (rejected) {
    // The reason is for your people, and not for the caller.
    console.log(`start: BLOCK, rejected: ${rejectReason}`);
    return { greeting: "Sorry, we can't take your call.", talk: false };
  }
  if (decision === CallDecision.CALL_DECISION_BLOCK) {
    console.log('start: BLOCK');
    return { greeting: "Sorry, we can't take your call now. Please try again later.", talk: false };
  }
  // In a degraded call the variables are those of the agent and the request.
  console.log(degraded ? 'start: PROCEED, degraded' : 'start: PROCEED');
  const known = dynamicVariables ?? {};
  for (const name of Object.keys(known).sort()) console.log(`known: ${name}=${toText(known[name])}`);
  const name = toText(known['customer_name']);
  return { greeting: name === '' ? 'Hello!' : `Hello ${name}!`, talk: true };
}

/** Reports a call. callhooks sends the post-call webhook in the background. */
async function end(seconds: number): Promise<void> {
  try {
    const { execution } = await callhooks.calls.onCallEnd({
      ...call,
      callerPhone,
      callDuration: { seconds: BigInt(seconds), nanos: 0 },
      callSummary: 'The caller asked for the opening hours.',
    });
    console.log(`end: ${shortName(ExecutionState, execution?.state, 'EXECUTION_STATE_')}`);
  } catch (error) {
    if (!(error instanceof CallhooksClientError)) throw error;
    printError('end', error); // A platform would keep the report, and repeat it later.
  }
}

/** Prints how the webhooks of the conversation ended. */
async function printRecord(): Promise<void> {
  const giveUpAt = performance.now() + RECORD_TIMEOUT_MS;
  let executions: readonly Execution[];
  for (;;) {
    ({ executions } = await callhooks.executions.listExecutions(call));
    if (executions.every(({ finishedAt }) => finishedAt) || performance.now() > giveUpAt) break;
    await sleep(200);
  }
  for (const execution of executions.toSorted((a, b) => a.webhookType - b.webhookType))
    printExecution(execution);
}

function printExecution({ webhookType, state, failure }: Execution): void {
  const reason = failure ? `, ${shortName(FailureCode, failure.code, 'FAILURE_CODE_')}` : '';
  const webhook = shortName(WebhookType, webhookType, 'WEBHOOK_TYPE_');
  console.log(`${webhook}: ${shortName(ExecutionState, state, 'EXECUTION_STATE_')}${reason}`);
}

function printError(step: string, { code, reason, violations }: CallhooksClientError): void {
  console.log(`${step}: ${reason ?? code}`); // A connection that fails has no reason.
  for (const { field, description } of violations) console.log(`  ${field} ${description}`);
}

/** Returns the name of a value of an enum, without the prefix that all of them have. */
function shortName(names: Record<string, number>, value: number | undefined, prefix: string): string {
  const name = Object.keys(names).find((name) => names[name] === value);
  return name?.replace(prefix, '') ?? 'UNSPECIFIED';
}

try {
  await takeCall();
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  callhooks.close();
}
