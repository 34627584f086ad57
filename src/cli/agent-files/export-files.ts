import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sameJson, type JsonObject } from '../../domain/json.ts';
import type * as pb from '../../gen/index.callhooks.v1.ts';
import { plainLine } from '../frame/plain-text.ts';
import type { AdminClient } from './admin-client.ts';
import type { Output } from './apply-plan.ts';
import { exportName } from './export-name.ts';
import { findAgentFiles, readTextFile } from './find-agent-files.ts';
import { parseAgentFile, type AgentFile } from './parse-agent-file.ts';
import { agentName } from './print-plan.ts';
import type { SecretSource } from './secret-sources.ts';
import { toDocument } from './to-document.ts';
import { useFolder } from './use-folder.ts';
import { writeYaml } from './write-yaml.ts';

/** Says what `callhooks export` does. */
export interface ExportOptions {
  readonly dir: string;
  /** Write over files that somebody else than export has written. */
  readonly force: boolean;
  /** Only these agents; all if it is empty. In lower case. */
  readonly agents: readonly string[];
}

/** What an export has done. */
export interface Exported {
  readonly written: number;
  readonly unchanged: number;
  /** Files that were left as they are, because export has not written them. */
  readonly refused: number;
  readonly missing: number;
}

/** The first line of each file that export writes. */
export const EXPORT_MARK =
  '# callhooks export wrote this file, and may write it again. Remove this line to keep your own.';

/**
 * Writes one file for each agent of a server. The file that an agent has already is written again where it says something
 * else, and keeps the sources of its secrets. One agent is in memory at a time.
 * @throws UsageError when the folder can't be one, and what the client throws when the server gives no answer
 */
export async function exportFiles(
  client: AdminClient,
  options: ExportOptions,
  output: Output,
): Promise<Exported> {
  const { dir, agents } = options;
  useFolder(dir, () => mkdirSync(dir, { recursive: true }));
  const existing = filesByAgent(dir);
  const gone = new Map(existing);
  const count = { written: 0, unchanged: 0, refused: 0, missing: 0 };
  const exportOne = (agent: pb.Agent) => {
    gone.delete(agent.agentUuid);
    const path = existing.get(agent.agentUuid) ?? join(dir, exportName(agent));
    const result = writeAgentFile(path, agent, options.force);
    count[result] += 1;
    if (result === 'written') output.print(`${plainLine(path)}: agent ${agentName(agent)}\n`);
    if (result === 'refused')
      output.say(
        `${plainLine(path)}: is not written by export and says something else: --force writes over it\n`,
      );
  };
  if (agents.length === 0) {
    for await (const agent of client.listAgents()) exportOne(agent);
    for (const [uuid, path] of gone) output.say(`${plainLine(path)}: the server has no agent ${uuid}\n`);
  }
  for (const uuid of agents) {
    const agent = await client.getAgent(uuid);
    if (agent !== undefined) exportOne(agent);
    else {
      count.missing += 1;
      output.say(`there is no agent ${uuid}\n`);
    }
  }
  return count;
}

// An agent keeps its file, whatever that is called, also when its display name changes. Files are parsed again when they are
// needed, so that they are not all in memory.
function filesByAgent(dir: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const path of findAgentFiles(dir).paths) {
    const uuid = uuidIn(path);
    if (uuid !== undefined) paths.set(uuid, path);
  }
  return paths;
}

const UUID_LINE = /^["']?agent_?[uU]uid["']?[ \t]*:[ \t]*["']?([0-9a-fA-F-]{36})\b/m;

// Most files have the id at the beginning of a line. One that is written as JSON has it elsewhere, and is parsed.
function uuidIn(path: string): string | undefined {
  const read = readTextFile(path);
  if ('problem' in read) return undefined;
  const line = UUID_LINE.exec(read.text)?.[1];
  return line?.toLowerCase() ?? parseAgentFile(path, read.text).file?.agent.agentUuid;
}

function writeAgentFile(path: string, agent: pb.Agent, force: boolean): 'written' | 'unchanged' | 'refused' {
  const read = readTextFile(path);
  const text = 'problem' in read ? undefined : read.text;
  const file = text === undefined ? undefined : parseAgentFile(path, text).file;
  if (file !== undefined && saysTheSame(file, agent)) return 'unchanged';
  const wanted = `${EXPORT_MARK}\n${writeYaml(exportDocument(agent, file?.secrets))}`;
  if (text === wanted) return 'unchanged';
  const exists = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (exists && !force && !text?.startsWith(EXPORT_MARK)) return 'refused';
  writeAtomically(path, wanted);
  return 'written';
}

function saysTheSame({ agent, secrets }: AgentFile, stored: pb.Agent): boolean {
  return (
    sameJson(toDocument(agent), toDocument(stored)) &&
    sameJson([...secrets.keys()].toSorted(), stored.secretNames.toSorted())
  );
}

/** Returns the document of an exported file: that of the agent, with the sources of its secrets before its webhooks. */
function exportDocument(agent: pb.Agent, known?: ReadonlyMap<string, SecretSource>): JsonObject {
  const { webhooks, ...rest } = toDocument(agent);
  const secrets = agent.secretNames.toSorted().map((name): [string, JsonObject] => {
    const source = known?.get(name) ?? { env: name };
    return [name, { ...source }];
  });
  return {
    ...rest,
    ...(secrets.length === 0 ? {} : { secrets: Object.fromEntries(secrets) }),
    ...(webhooks === undefined ? {} : { webhooks }),
  };
}

// A reader sees the old file or the new one, and no crash leaves half of it. A link at the path is replaced, not followed.
function writeAtomically(path: string, text: string): void {
  const draft = join(dirname(path), `.callhooks-export-${Math.random().toString(36).slice(2)}`);
  try {
    writeDurably(draft, text);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx');
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
