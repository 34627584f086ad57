/** A change of the engine that breaks one of its rules. */
export interface Break {
  readonly title: string;
  readonly file: string;
  /** Texts that stand in the file exactly once, each with the text that replaces it. */
  readonly changes: readonly (readonly [find: string, replace: string])[];
  /** The file of test/faults whose tests go red, without its ending. */
  readonly family: string;
  /** A part of the titles of the tests that are run; all of them are run where it is left out. */
  readonly grep?: string;
}

/** Every rule of the engine that the fault suite has to notice when it is broken. */
export const BREAKS: readonly Break[] = [
  {
    title: 'a post-call is claimed without the guard of the statement',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [['`WHERE e.state = ${STATE.accepted} AND p.webhook_type', '`WHERE p.webhook_type']],
    family: 'takeover',
    grep: 'all other replicas',
  },
  {
    title: 'a post-call is claimed while its start still runs',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [[' IS NULL AND s.execution_uuid IS NULL`', ' IS NULL`']],
    family: 'beside-start',
  },
  {
    title: 'each try to claim a start uses a new token',
    file: 'src/engine/writes/execution-writes.ts',
    changes: [
      [
        '(mayBeWritten) => insert(row, {',
        '(mayBeWritten) => insert(mayBeWritten ? { ...row, executionUuid: crypto.randomUUID() } : row, {',
      ],
    ],
    family: 'database-cuts',
    grep: 'the claim of a start',
  },
  {
    title: 'each try to claim a post-call uses a new token',
    file: 'src/engine/post-call/post-call.ts',
    changes: [
      ['const { instance, signal } = deps;', 'const { instance, signal } = deps;\n  let tries = 0;'],
      [
        'deps.writes.claimPostCall({ executionUuid, claim,',
        'deps.writes.claimPostCall({ executionUuid, claim: tries++ === 0 ? claim : crypto.randomUUID(),',
      ],
    ],
    family: 'database-cuts',
    grep: 'the claim of a post-call',
  },
  {
    title: 'the count of affected rows decides who won a claim',
    file: 'src/store/executions/mysql-writes.ts',
    // mysql2 counts one affected row for the loser too.
    changes: [
      [
        'const isOurs = toUuid(existing.execution_uuid as Buffer) === executionUuid;',
        'const isOurs = executionUuid !== undefined;',
      ],
    ],
    family: 'same-call-everywhere',
  },
  {
    title: 'a write that waited too long is made all the same',
    file: 'src/engine/writes/write-queue.ts',
    changes: [
      [
        "item.reject(limitReached('too many writes wait for the database'));\n  return true;",
        "item.reject(limitReached('too many writes wait for the database'));\n  return false;",
      ],
    ],
    family: 'silent-database',
    grep: 'refuses waiting calls',
  },
  {
    title: 'a post-call is claimed before it has a request slot',
    file: 'src/engine/post-call/post-call-sender.ts',
    changes: [
      [
        '    const sending = sendPostCall(deps, { postCall, claim, agent, webhook }, place)',
        `    slot.release();
    const send: typeof deps.webhookRuns.send = async (run, options) => {
      let own = deps.slots.take(run.runnable.origin);
      while (typeof own === 'string') {
        await new Promise((resolve) => setTimeout(resolve, 20));
        own = deps.slots.take(run.runnable.origin);
      }
      try {
        return await deps.webhookRuns.send(run, options);
      } finally {
        own.release();
      }
    };
    const webhookRuns = { ...deps.webhookRuns, send };
    const sending = sendPostCall({ ...deps, webhookRuns }, { postCall, claim, agent, webhook }, place)`,
      ],
    ],
    family: 'takeover',
    grep: 'if they were pending',
  },
  {
    title: 'the owner of a pre-call overwrites the mark INTERRUPTED',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [
      [
        '(executions.state = ${STATE.interrupted} AND executions.webhook_type = ${TYPE.post_call})',
        'executions.state = ${STATE.interrupted}',
      ],
    ],
    family: 'frozen-replica',
    grep: 'longer than time limit and grace',
  },
  {
    title: 'a claim that could not be confirmed is not abandoned',
    file: 'src/engine/pre-call.ts',
    changes: [
      ['const abandoned = await retryWrite(write, { signal: deps.lastWrites });', 'const abandoned = 0;'],
    ],
    family: 'database-cuts',
    grep: 'the claim of a start hangs (answer_held)',
  },
  {
    title: 'a reply is sent before its outcome is recorded',
    file: 'src/engine/pre-call.ts',
    changes: [
      [
        '  const result = await recordAndLog(deps, execution, origin, outcome);',
        "  void recordAndLog(deps, execution, origin, outcome).catch(() => undefined);\n  const result = 'recorded' as string;",
      ],
    ],
    family: 'frozen-replica',
    grep: 'longer than time limit and grace',
  },
  {
    title: 'the purge leaves no keys behind',
    file: 'src/store/executions/purge-executions.ts',
    changes: [
      ['  if (rows.length === 0) return;\n  const day', '  if (rows.length >= 0) return;\n  const day'],
    ],
    family: 'purge-race',
  },
  {
    title: 'a refused write is made all the same',
    file: 'src/engine/writes/write-queue.ts',
    changes: [
      [
        "  item.reject(limitReached('too many writes wait for the database'));\n  return true;",
        "  item.reject(limitReached('too many writes wait for the database'));\n  return false;",
      ],
    ],
    family: 'overload-locked-writes',
    grep: '(sqlite)',
  },
  {
    title: 'a busy database is taken for one that is away',
    file: 'src/store/sql/driver-errors.ts',
    changes: [["['SQLITE_BUSY', 'busy']", "['SQLITE_BUSY', 'away']"]],
    family: 'overload-locked-writes',
    grep: '(sqlite)',
  },
  {
    title: 'the call gate lets every call in',
    file: 'src/engine/limits/call-gate.ts',
    changes: [['if (!isShut()) return', 'if (!isShut() || refused >= 0) return']],
    family: 'overload',
    grep: '(sqlite) answers starts',
  },
];

/** Returns the text of the file of a break with its changes. Throws when one of them does not fit exactly once. */
export function breakText(text: string, { title, file, changes }: Break): string {
  return changes.reduce((before, [find, replace]) => {
    const count = before.split(find).length - 1;
    if (count !== 1) throw new Error(`${title}: found ${count} times instead of once in ${file}: ${find}`);
    return before.replace(find, () => replace);
  }, text);
}
