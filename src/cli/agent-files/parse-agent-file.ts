import * as pb from '../../gen/index.callhooks.v1.ts';
import { parseUuid, uuidProblem } from '../../grpc/requests/reader.ts';
import { agentSchema } from './agent-schema.ts';
import { checkAgent } from './check-agent.ts';
import { readMessage, type FieldReader } from './read-message.ts';
import { readSecretSources, type SecretSource } from './secret-sources.ts';
import { readYaml, type YamlNode, type YamlText } from './read-yaml.ts';

/** What is wrong at one place of a file. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly column: number;
  /** The path from the top of the file; empty for the whole. */
  readonly field: string;
  readonly text: string;
}

/** An agent as its file describes it, with all defaults. */
export interface AgentFile {
  readonly path: string;
  readonly agent: pb.Agent;
  readonly secrets: ReadonlyMap<string, SecretSource>;
  /** Returns a problem of a field, by its path in a request (`agent.webhooks[0]…`, `secrets.NAME`), at its place. */
  problemAt(field: string, text: string): Problem;
}

/** A file after it was parsed. `file` is undefined when it has problems. */
export type ParsedFile =
  | { readonly file: AgentFile; readonly problems: readonly [] }
  | { readonly file: undefined; readonly problems: readonly Problem[] };

/** Parses the file of one agent, and checks it by the rules of the server that need no server. */
export function parseAgentFile(path: string, text: string): ParsedFile {
  const yaml = readYaml(text);
  const collector = createCollector(path, yaml);
  for (const { at, text: problem } of yaml.problems) collector.refuse('', at, problem);
  const file = yaml.root && readFile(path, yaml.root, collector);
  const problems = collector.problems();
  if (file === undefined || problems.length > 0) return { file: undefined, problems };
  return { file, problems: [] };
}

interface Collector extends FieldReader {
  add(problem: Problem): void;
  problems(): readonly Problem[];
  problemAt(field: string, text: string): Problem;
}

// An agent of a hostile file may break as many rules as it has values.
const MAX_PROBLEMS = 100;

function createCollector(path: string, { placeOf }: YamlText): Collector {
  const found: Problem[] = [];
  const places = new Map<string, number>();
  const problem = (field: string, at: number | undefined, text: string): Problem => {
    const place = at === undefined ? { line: 0, column: 0 } : placeOf(at);
    return { file: path, ...place, field: field.replace(/^agent(?:\.|$)/, ''), text };
  };
  const add = (one: Problem) => {
    if (found.length < MAX_PROBLEMS) found.push(one);
  };
  return {
    add,
    refuse: (field, at, text) => add(problem(field, at, text)),
    place: (field, at) => void places.set(field, at),
    problems: () => found.toSorted((a, b) => a.line - b.line || a.column - b.column),
    problemAt: (field, text) => problem(field, nearestPlace(places, field), text),
  };
}

/** Returns where a field stands, or the nearest field around it. */
function nearestPlace(places: ReadonlyMap<string, number>, field: string): number | undefined {
  for (let path = field; path !== ''; path = aroundOf(path)) {
    const at = places.get(path);
    if (at !== undefined) return at;
  }
  return undefined;
}

function aroundOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(path.endsWith(']') ? '[' : '.')));
}

// Webhooks use the variables and secrets that stand at the top. They would break rules because of a name that could not be
// read, also under a misspelt field.
function hidesOthers({ field }: Problem): boolean {
  return !/^(?:webhooks\[|agent_uuid$|display_name$)/.test(field);
}

// A field that was misspelt is missing under its right name, and what was refused in it breaks no other rule.
function follows(problem: Problem, earlier: Problem): boolean {
  return (
    problem.text === 'is required' || (problem.line === earlier.line && problem.column === earlier.column)
  );
}

const UUID = 'agent.agent_uuid';

function readFile(path: string, root: YamlNode, collector: Collector): AgentFile | undefined {
  collector.place('agent', root.at);
  const isSecrets = ({ key }: { key: string }) => key === 'secrets';
  const ofSecrets = root.kind === 'map' ? root.entries.find(isSecrets) : undefined;
  const ofAgent =
    root.kind === 'map' ? { ...root, entries: root.entries.filter((entry) => !isSecrets(entry)) } : root;
  if (ofSecrets !== undefined) collector.place('secrets', ofSecrets.at);
  const secrets = readSecretSources(ofSecrets?.value, collector);
  const given: Partial<pb.Agent> = readMessage(ofAgent, agentSchema(), 'agent', collector);
  const message = pb.Agent.fromPartial(given);
  const uuid = parseUuid(message.agentUuid);
  if (root.kind === 'map' && uuid === undefined)
    collector.add(collector.problemAt(UUID, uuidProblem(message.agentUuid, UUID)));
  const found = collector.problems();
  if (found.some(hidesOthers)) return undefined;
  const { agent, violations } = checkAgent(message, new Set(secrets.keys()));
  for (const { field, description } of violations) {
    const problem = collector.problemAt(field, description);
    if (!found.some((earlier) => follows(problem, earlier))) collector.add(problem);
  }
  return { path, agent, secrets, problemAt: collector.problemAt };
}
