import { UsageError, CommandError } from '../frame/command.ts';
import { EXIT } from '../frame/exit-codes.ts';
import type { AdminClient } from './admin-client.ts';
import { applyPlan, type Output, type Written } from './apply-plan.ts';
import { makePlan, type Plan } from './make-plan.ts';
import type { AgentFile, Problem } from './parse-agent-file.ts';
import type { AgentPlan } from './plan-agent.ts';
import { deletionLines, planLines } from './print-plan.ts';
import { problemLine, readAgentFiles } from './read-agent-files.ts';
import { readSecretValues } from './secret-values.ts';

/** Says what `callhooks apply` does. */
export interface ApplyOptions {
  readonly dir: string;
  /** Show what would be done, and stop. */
  readonly dryRun: boolean;
  /** Delete what no file has. */
  readonly prune: boolean;
  /** Delete all agents if the folder has no file. */
  readonly yes: boolean;
  /** Write secrets that the server has already. */
  readonly secrets: boolean;
  /** Only these agents; all if it is empty. In lower case. */
  readonly agents: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes the agents of a server equal to the files of a folder. Returns the exit code.
 * @throws UsageError for a folder that makes no sense
 * @throws what the client throws when the server gives no answer
 */
export async function applyFiles(
  client: AdminClient,
  options: ApplyOptions,
  env: Environment,
  output: Output,
): Promise<number> {
  const files = readFolder(options, output);
  if (files === undefined) return EXIT.data;
  const { prune, secrets } = options;
  const only = options.agents.length === 0 ? undefined : new Set(options.agents);
  const plan = await makePlan(client, files, { prune, secrets, only });
  const values = new Map(plan.agents.map((agent) => [agent, readSecretValues(agent, env)] as const));
  const ofSecrets = [...values.values()].flatMap(({ problems }) => problems);
  if (sayProblems([...plan.problems, ...(options.dryRun ? [] : ofSecrets)], output)) return EXIT.data;
  printPlan(plan, output);
  if (options.dryRun)
    for (const problem of ofSecrets) output.say(`apply would stop: ${problemLine(problem)}\n`);
  const isEqual = plan.agents.every(({ kind }) => kind === 'none') && plan.deletions.length === 0;
  if (isEqual) return EXIT.done;
  if (options.dryRun) return EXIT.differs;
  const secretsOf = new Map([...values].map(([agent, { secrets: each }]) => [agent, each] as const));
  const written = await applyPlan(client, plan, secretsOf, output);
  output.print(`${summary(written)}\n`);
  return written.refused === 0 ? EXIT.done : EXIT.no;
}

function readFolder(options: ApplyOptions, output: Output): readonly AgentFile[] | undefined {
  const { files, problems } = readAgents(options.dir);
  if (sayProblems(problems, output)) return undefined;
  if (files.length === 0 && !options.prune)
    throw new UsageError(`${options.dir} has no file of an agent (*.yaml, *.yml)`);
  if (files.length === 0 && !options.yes)
    throw new UsageError(
      `${options.dir} has no file of an agent, so --prune would delete every agent: add --yes if that is what you want`,
    );
  const ofFiles = new Set(files.map(({ agent }) => agent.agentUuid));
  const missing = options.agents.find((uuid) => !ofFiles.has(uuid));
  if (missing !== undefined && !options.prune)
    throw new UsageError(`no file in ${options.dir} has the agent ${missing}`);
  return files;
}

function readAgents(dir: string): ReturnType<typeof readAgentFiles> {
  try {
    return readAgentFiles(dir);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CommandError(`the folder can't be read (${code}): ${dir}`, EXIT.data);
  }
}

// Thousands of lines help nobody.
const MAX_PROBLEMS = 200;

function sayProblems(problems: readonly Problem[], { say }: Output): boolean {
  if (problems.length === 0) return false;
  for (const problem of problems.slice(0, MAX_PROBLEMS)) say(`${problemLine(problem)}\n`);
  if (problems.length > MAX_PROBLEMS) say(`… and ${problems.length - MAX_PROBLEMS} more\n`);
  const files = new Set(problems.map(({ file }) => file)).size;
  say(`${counted(problems.length, 'problem')} in ${counted(files, 'file')}. Nothing was written.\n`);
  return true;
}

function printPlan({ agents, deletions }: Plan, { print }: Output): void {
  for (const lines of [...agents.map(planLines), ...deletions.map(deletionLines)])
    if (lines.length > 0) print(`${lines.join('\n')}\n`);
  const of = (kind: AgentPlan['kind']) => agents.filter((agent) => agent.kind === kind).length;
  if (of('none') === agents.length && deletions.length === 0)
    print(`Nothing to do: the server has ${counted(agents.length, 'agent')} as the files say.\n`);
  else
    print(
      `To create: ${of('create')}. To change: ${of('change')}. To delete: ${deletions.length}. As they are: ${of('none')}.\n`,
    );
  const left = agents.reduce((sum, { file, secrets }) => sum + file.secrets.size - secrets.length, 0);
  if (left > 0)
    print(
      `Not compared: ${counted(left, 'secret')}, because the server shows no values. --secrets writes all again.\n`,
    );
}

function summary({ created, changed, deleted, refused }: Written): string {
  const done = `Created: ${created}. Changed: ${changed}. Deleted: ${deleted}.`;
  return refused === 0 ? done : `${done} Refused: ${refused}, see above.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
