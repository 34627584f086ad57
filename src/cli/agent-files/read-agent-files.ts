import { plainLine } from '../frame/plain-text.ts';
import { findAgentFiles, readTextFile } from './find-agent-files.ts';
import { parseAgentFile, type AgentFile, type Problem } from './parse-agent-file.ts';
import { useFolder } from './use-folder.ts';

/** The agents of a folder, in the order of their ids, and everything that is wrong with its files. */
export interface AgentFiles {
  readonly files: readonly AgentFile[];
  readonly problems: readonly Problem[];
}

/**
 * Reads and checks every file of a folder. Two files for one agent are a problem.
 * @throws UsageError when there is no such folder
 */
export function readAgentFiles(dir: string): AgentFiles {
  const found = useFolder(dir, () => findAgentFiles(dir));
  const problems: Problem[] = [...found.problems];
  const byUuid = new Map<string, AgentFile>();
  for (const path of found.paths) {
    const read = readTextFile(path);
    const parsed =
      'problem' in read ? { file: undefined, problems: [read.problem] } : parseAgentFile(path, read.text);
    problems.push(...parsed.problems);
    if (parsed.file === undefined) continue;
    const earlier = byUuid.get(parsed.file.agent.agentUuid);
    if (earlier === undefined) byUuid.set(parsed.file.agent.agentUuid, parsed.file);
    else problems.push(parsed.file.problemAt('agent.agent_uuid', `is the agent of ${earlier.path} too`));
  }
  const files = [...byUuid.values()].toSorted((a, b) => (a.agent.agentUuid < b.agent.agentUuid ? -1 : 1));
  return { files, problems };
}

/** Returns a problem as a line: `file:line:column: field: text`. */
export function problemLine({ file, line, column, field, text }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return plainLine(field === '' ? `${place}: ${text}` : `${place}: ${field}: ${text}`);
}
