/**
 * Shows that the fault suite can fail: breaks a rule of the engine in a copy of the project, one rule at a time, runs the
 * family that should notice, and expects it to go red. Ends with 1 if a broken engine passes.
 *
 *   node test/tools/break-engine.ts [part of a title]
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Break {
  readonly title: string;
  readonly file: string;
  /** What is found there exactly once, and what stands in its place. */
  readonly changes: readonly (readonly [string, string])[];
  /** The family of test/faults that goes red, and the titles of its tests that are run. */
  readonly family: string;
  readonly grep?: string;
}

const BREAKS: readonly Break[] = [
  {
    title: 'a claim of a post-call without its guard',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [['`WHERE e.state = ${STATE.accepted} AND p.webhook_type', '`WHERE p.webhook_type']],
    family: 'takeover',
    grep: 'all the others',
  },
  {
    title: 'a claim of a post-call without the guard on its start',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [[' IS NULL AND s.execution_uuid IS NULL`', ' IS NULL`']],
    family: 'beside-start',
  },
  {
    title: 'a new token for each try of a start',
    file: 'src/engine/pre-call.ts',
    changes: [
      [
        'deps.writes.insertStart(row, {',
        'deps.writes.insertStart(isUnsure ? { ...row, executionUuid: crypto.randomUUID() } : row, {',
      ],
    ],
    family: 'database-cuts',
    grep: "a start's claim",
  },
  {
    title: 'a new token for each try of an end',
    file: 'src/engine/post-call/post-call.ts',
    changes: [
      ['const { instance, signal } = deps;', 'const { instance, signal } = deps;\n  let tries = 0;'],
      [
        'deps.writes.claimPostCall({ executionUuid, claim,',
        'deps.writes.claimPostCall({ executionUuid, claim: tries++ === 0 ? claim : crypto.randomUUID(),',
      ],
    ],
    family: 'database-cuts',
    grep: "an end's claim",
  },
  {
    title: 'a win that is read off the count of affected rows',
    file: 'src/store/executions/mysql-writes.ts',
    // mysql2 counts one row for the loser too.
    changes: [
      [
        'const isOurs = toUuid(holder.execution_uuid as Buffer) === executionUuid;',
        'const isOurs = executionUuid !== undefined;',
      ],
    ],
    family: 'same-call-everywhere',
  },
  {
    title: 'an item that is late is inserted all the same',
    file: 'src/engine/writes/writer.ts',
    changes: [
      [
        "item.reject(limitReached('too many writes wait for the database'));\n  return true;",
        "item.reject(limitReached('too many writes wait for the database'));\n  return false;",
      ],
    ],
    family: 'database-cuts',
    grep: 'waits behind a silence',
  },
  {
    title: 'claims before slots',
    file: 'src/engine/post-call/post-call-sender.ts',
    changes: [
      [
        '    const sending = sendPostCall(deps, { postCall, claim, agent, webhook }, reservation)',
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
    const sending = sendPostCall({ ...deps, webhookRuns }, { postCall, claim, agent, webhook }, reservation)`,
      ],
    ],
    family: 'takeover',
    grep: 'if it had not been begun',
  },
  {
    title: 'a mark of a pre-call that its owner overwrites',
    file: 'src/store/executions/mysql-statements.ts',
    changes: [
      [
        '(executions.state = ${STATE.interrupted} AND executions.webhook_type = ${TYPE.post_call})',
        'executions.state = ${STATE.interrupted}',
      ],
    ],
    family: 'frozen-replica',
    grep: 'longer than limit and grace',
  },
  {
    title: 'a claim that could not be confirmed and is not abandoned',
    file: 'src/engine/pre-call.ts',
    changes: [
      [
        'await retryWrite(() => deps.store.abandonStart(row.executionUuid), { signal: deps.lastWrites });',
        '',
      ],
    ],
    family: 'database-cuts',
    grep: "a start's claim, silently (answer_held)",
  },
  {
    title: 'a reply before its record',
    file: 'src/engine/pre-call.ts',
    changes: [
      [
        '  const result = await recordAndLog(deps, execution, outcome);',
        "  void recordAndLog(deps, execution, outcome).catch(() => undefined);\n  const result = 'recorded' as string;",
      ],
    ],
    family: 'frozen-replica',
    grep: 'longer than limit and grace',
  },
  {
    title: 'a purge that leaves no keys',
    file: 'src/store/executions/purge-executions.ts',
    changes: [
      ['  if (rows.length === 0) return;\n  const day', '  if (rows.length >= 0) return;\n  const day'],
    ],
    family: 'purge-race',
  },
  {
    title: 'a refused write that is written all the same',
    file: 'src/engine/writes/writer.ts',
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
    title: 'a busy database that is taken for one that is away',
    file: 'src/store/sql/driver-errors.ts',
    changes: [["['SQLITE_BUSY', 'busy']", "['SQLITE_BUSY', 'away']"]],
    family: 'overload-locked-writes',
    grep: '(sqlite)',
  },
  {
    title: 'a gate that lets everybody in',
    file: 'src/engine/limits/call-gate.ts',
    changes: [
      ['if (!isOverloaded() && calls.hasRoom(mayWait))', 'if (calls.hasRoom(mayWait) || mayWait > 0)'],
    ],
    family: 'overload',
    grep: '(sqlite) answers starts',
  },
];

const ROOT = new URL('../..', import.meta.url).pathname;
const COPIED = ['src', 'test', 'migrations', 'scripts', 'proto', 'package.json', '.mocharc.json'];
const LINKED = ['node_modules', '.cache'];

/** What a family came to in a copy: the end of what it printed when it went red. */
interface Result {
  readonly isGreen: boolean;
  readonly red: string | undefined;
}

function runFamily(folder: string, { title, family, grep }: Break): Result {
  const args = ['node_modules/mocha/bin/mocha.js', `test/faults/${family}.test.ts`, '--bail'];
  if (grep !== undefined) args.push('--fgrep', grep);
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
  // A copy that does not even load is no broken engine.
  if (!/ (?:passing|failing)/.test(run.stdout)) throw new Error(`${title}:\n${run.stdout}\n${run.stderr}`);
  return { isGreen: run.status === 0, red: /\d+ failing\s+([\s\S]{0,600})/.exec(run.stdout)?.[1] };
}

function breakEngine(folder: string, { title, file, changes }: Break): void {
  const path = join(folder, file);
  const text = changes.reduce(
    (before, [find, replace]) => {
      if (before.split(find).length !== 2) throw new Error(`${title}: it fits into ${file} no more`);
      return before.replace(find, () => replace);
    },
    readFileSync(path, 'utf8'),
  );
  writeFileSync(path, text);
}

const seenGreen = new Set<string>();

/** The end of what the suite printed, when it noticed; undefined when a broken engine passed. */
function noticed(broken: Break): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-broken-'));
  try {
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
    // Tests that are red by themselves notice nothing.
    const tests = `${broken.family} ${broken.grep ?? ''}`;
    const intact = seenGreen.has(tests) ? undefined : runFamily(folder, broken);
    if (intact?.isGreen === false)
      throw new Error(`${broken.title}: ${tests} is red although nothing is broken:\n${intact.red}`);
    seenGreen.add(tests);
    breakEngine(folder, broken);
    const { isGreen, red } = runFamily(folder, broken);
    return isGreen ? undefined : red;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let survived = 0;
for (const broken of BREAKS.filter(({ title }) => title.includes(process.argv[2] ?? ''))) {
  const seen = noticed(broken);
  if (seen === undefined) survived += 1;
  console.log(`${seen === undefined ? 'NOT NOTICED' : 'red'}: ${broken.title} (${broken.family})`);
  if (seen !== undefined) console.log(`${seen.trim().replaceAll(/^/gm, '    ')}\n`);
}
console.log(survived === 0 ? 'every break was noticed' : `${survived} broken engines passed`);
process.exitCode = survived === 0 ? 0 : 1;
