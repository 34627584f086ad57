import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as pb from '../../../src/gen/index.callhooks.v1.ts';
import { isExcused } from '../../support/quiet-machine.ts';
import { until } from '../../support/until.ts';
import type { Call, LoggedCall } from './call-log.ts';
import type { Cluster } from './cluster.ts';
import { typeOf, untilAllFinished } from './execution-log.ts';
import type { Expected } from './reconcile/evidence.ts';
import { reconcile, type CheckResult } from './reconcile/reconcile.ts';
import type { Replica } from './replica.ts';

/** Says how many old calls are repeated before the comparison, besides those whose record is unknown. */
const REPEATED = 100;
const REPEATED_AT_ONCE = 8;
/** Says how many starts are read with GetExecution, with all that is recorded of them. */
const INSPECTED = 50;

/** Compares all that a cluster has done: see `Cluster.check`. */
export async function checkCluster(
  cluster: Cluster,
  withinMs: number,
  expected: Expected,
): Promise<CheckResult['figures']> {
  const { agents, callLog, recorder, replicas } = cluster;
  const agentUuids = agents.map(({ agentUuid }) => agentUuid);
  const rpc = () => cluster.livingReplica().rpc;
  await untilAllFinished(rpc, agentUuids, withinMs);
  await repeatSome(cluster);
  // A repeat begins something new where every earlier call was refused.
  const executions = await untilAllFinished(rpc, agentUuids, withinMs);
  const inspected = await inspectSome(cluster, executions);
  const result = reconcile({ executions, inspected, agents, recorder, callLog, replicas, expected });
  const late = result.late.filter(({ what, fromMs, toMs }) => !isExcused(what, fromMs, toMs));
  const violations = [...result.violations, ...late.map(({ what }) => what)];
  if (violations.length > 0) throw violationError(violations, cluster, executions);
  return result.figures;
}

const UNKNOWN_OUTCOMES = new Set(['OUTCOME_NOT_RECORDED', 'DATABASE_UNAVAILABLE']);

// A call that had a reply must get the same one again, from any replica. Of a call with an unknown outcome the repeat shows
// what was recorded. Repeating a call that was refused as LIMIT_REACHED is as good as calling for the first time.
async function repeatSome({ callLog, replicas }: Cluster): Promise<void> {
  const { entries } = callLog;
  const left = [
    ...sample(distinctCalls(entries.filter(({ response }) => response.kind === 'reply')), REPEATED),
    ...distinctCalls(entries.filter((entry) => UNKNOWN_OUTCOMES.has(reasonOf(entry)))),
    ...sample(distinctCalls(entries.filter((entry) => reasonOf(entry) === 'LIMIT_REACHED')), REPEATED),
  ];
  const living = replicas.filter(({ isAlive }) => isAlive);
  let turn = 0;
  const repeat = (call: Call): Promise<unknown> =>
    until(
      `the ${call.rpc} of ${call.conversationUuid} to get a reply`,
      async () => {
        const replica = living[(turn += 1) % living.length] as Replica;
        return (await callLog.call(replica, call)).kind === 'reply';
      },
      { everyMs: 500 },
    );
  const repeatAll = async (): Promise<void> => {
    for (let call = left.pop(); call !== undefined; call = left.pop()) await repeat(call);
  };
  await Promise.all(Array.from({ length: REPEATED_AT_ONCE }, repeatAll));
}

function reasonOf({ response }: LoggedCall): string {
  return response.kind === 'error' ? response.reason : '';
}

function distinctCalls(entries: readonly LoggedCall[]): readonly Call[] {
  const calls = entries.map(({ rpc, agentUuid, conversationUuid }) => ({ rpc, agentUuid, conversationUuid }));
  return [...new Map(calls.map((call) => [`${call.rpc} ${call.conversationUuid}`, call])).values()];
}

async function inspectSome(cluster: Cluster, executions: readonly pb.Execution[]): Promise<pb.Execution[]> {
  const starts = executions.filter((execution) => typeOf(execution) === 'pre_call');
  const { getExecution } = cluster.livingReplica().rpc.executions;
  const inspected = sample(starts, INSPECTED).map(async ({ executionUuid }) => {
    const { execution } = await getExecution({ executionUuid });
    return execution === undefined ? [] : [execution];
  });
  return (await Promise.all(inspected)).flat();
}

function sample<T>(items: readonly T[], count: number): T[] {
  const left = [...items];
  const taken = Array.from({ length: Math.min(count, left.length) }, () =>
    left.splice(Math.floor(Math.random() * left.length), 1),
  );
  return taken.flat();
}

const SHOWN = 20;

function violationError(
  violations: readonly string[],
  cluster: Cluster,
  executions: readonly object[],
): Error {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-violation-'));
  const write = (name: string, items: readonly unknown[]): void => {
    const lines = items.map((item) =>
      JSON.stringify(item, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
    );
    writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  };
  write('violations.jsonl', violations);
  write('calls.jsonl', cluster.callLog.entries);
  write('executions.jsonl', executions);
  write('requests.jsonl', cluster.recorder.requests());
  for (const replica of cluster.replicas) writeFileSync(join(folder, `${replica.name}.log`), replica.log());
  const rest = violations.length > SHOWN ? [`… and ${violations.length - SHOWN} more`] : [];
  return new Error(
    `${violations.length} violations (evidence in ${folder}):\n${[...violations.slice(0, SHOWN), ...rest].join('\n')}`,
  );
}
