import { isAlias, isCollection, isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Alias, Document, Node, Pair, Scalar } from 'yaml';
import { tokenProblem } from './token-problem.ts';

/** A value of a YAML file. `at` is where it begins, as an index into the text. Aliases lead to shared nodes. */
export type YamlNode =
  | { readonly kind: 'map'; readonly at: number; readonly entries: readonly YamlEntry[] }
  | { readonly kind: 'list'; readonly at: number; readonly items: readonly YamlNode[] }
  | { readonly kind: 'scalar'; readonly at: number; readonly value: string | number | boolean | null }
  /** A value that is refused. `problem` is the end of the sentence "FIELD …". */
  | { readonly kind: 'bad'; readonly at: number; readonly problem: string };

/** A member of a map. `at` is where its key begins. `problem` says why the key is refused. */
export interface YamlEntry {
  readonly key: string;
  readonly problem: string | undefined;
  readonly at: number;
  readonly value: YamlNode;
}

/** What is wrong at one place of a text. */
export interface YamlProblem {
  readonly at: number;
  readonly text: string;
}

/** A YAML text after it was read. `root` is undefined when the text as a whole has problems. */
export interface YamlText {
  readonly root: YamlNode | undefined;
  readonly problems: readonly YamlProblem[];
  /** Returns the line and the column of an index, both from 1. */
  placeOf(at: number): { readonly line: number; readonly column: number };
}

/** How many values, and how much text, a file may stand for when its aliases are written out. */
const MAX_VALUES = 100_000;
const MAX_TEXT_CHARS = 1024 * 1024;
const MAX_DEPTH = 64;
const MAX_PROBLEMS = 20;

/**
 * Reads one document of YAML 1.2 with its core schema, so that `no`, `on` and dates are texts. It refuses what JSON does
 * not have or would change: keys that stand twice, tags of other schemas, numbers that lose digits. Aliases are not
 * written out, so that a small text can't become a large value.
 */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const problems: YamlProblem[] = [];
  const root = readRoot(text, lines, problems);
  const placeOf = (at: number) => {
    const { line, col } = lines.linePos(at);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  return {
    root: problems.length === 0 ? root : undefined,
    problems: problems.slice(0, MAX_PROBLEMS),
    placeOf,
  };
}

function readRoot(text: string, lines: LineCounter, problems: YamlProblem[]): YamlNode | undefined {
  const ofTokens = tokenProblem(text, MAX_DEPTH);
  const document = ofTokens === undefined ? parse(text, lines) : undefined;
  if (document === undefined) {
    problems.push({ at: 0, text: ofTokens === 'too many' ? TOO_MANY : TOO_DEEP });
    return undefined;
  }
  for (const { pos, message } of document.errors)
    problems.push({ at: pos[0], text: `is no YAML: ${message}` });
  if (document.directives?.yaml.version !== '1.2')
    problems.push({ at: 0, text: 'must be YAML 1.2: remove the %YAML directive' });
  if (problems.length > 0) return undefined;
  if (document.contents === null) {
    problems.push({ at: 0, text: 'is empty: a file holds one agent' });
    return undefined;
  }
  const node = createConverter(document)(document.contents, 0);
  refuseLarge(node, problems);
  return node;
}

const TOO_MANY = 'is too large: it has too many values, comments and blanks';
const TOO_DEEP = `is nested too deeply: at most ${MAX_DEPTH} levels are allowed`;

// The parser recurses, so a text of many brackets ends in a RangeError, which it may have caught itself.
function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    const document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      intAsBigInt: true,
      stringKeys: true,
      // The check of the library compares each key with each other one.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
      lineCounter,
    });
    return document.errors.some(({ message }) => message.includes('call stack')) ? undefined : document;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

type Convert = (node: Node | null, depth: number) => YamlNode;

function createConverter(document: Document.Parsed): Convert {
  const anchored = anchoredNodes(document);
  const converted = new Map<Node, YamlNode>();
  const open = new Set<Node>();
  const refuse = (node: Node | null, problem: string): YamlNode => ({
    kind: 'bad',
    at: startOf(node),
    problem,
  });
  const convert: Convert = (given, depth) => {
    const node = isAlias(given) ? anchored.get(given) : given;
    if (node === undefined) return refuse(given, 'is an alias of an anchor that does not stand before it');
    if (node === null) return { kind: 'scalar', at: 0, value: null };
    if (open.has(node)) return refuse(given, 'is an alias inside of its own anchor');
    if (depth > MAX_DEPTH) return refuse(node, TOO_DEEP);
    const known = converted.get(node);
    if (known !== undefined) return known;
    if ('tag' in node && node.tag !== undefined && !CORE_TAG.test(node.tag))
      return refuse(node, `has the tag ${node.tag}: tags are not allowed`);
    open.add(node);
    const result = convertContent(node, depth);
    open.delete(node);
    converted.set(node, result);
    return result;
  };
  const convertContent = (node: Node, depth: number): YamlNode => {
    const at = startOf(node);
    if (isScalar(node)) {
      const value = scalarValue(node);
      return 'problem' in value ? refuse(node, value.problem) : { kind: 'scalar', at, value: value.value };
    }
    if (!isCollection(node)) return refuse(node, 'is no value');
    if (!isMap(node))
      return { kind: 'list', at, items: node.items.map((item) => convert(item as Node | null, depth + 1)) };
    return { kind: 'map', at, entries: entriesOf(node.items as Pair<Node, Node | null>[], at, depth) };
  };
  const entriesOf = (
    pairs: readonly Pair<Node, Node | null>[],
    mapAt: number,
    depth: number,
  ): YamlEntry[] => {
    const seen = new Set<string>();
    return pairs.map(({ key: keyNode, value }) => {
      const at = isScalar(keyNode) ? startOf(keyNode) : mapAt;
      const key = isScalar(keyNode) ? String(keyNode.value) : '';
      const problem = keyProblem(keyNode, key, seen);
      seen.add(key);
      return {
        key,
        problem,
        at,
        value: value ? convert(value, depth + 1) : { kind: 'scalar', at, value: null },
      };
    });
  };
  return convert;
}

function keyProblem(node: Node | null, key: string, seen: ReadonlySet<string>): string | undefined {
  if (!isScalar(node)) return 'must have texts as keys';
  if (seen.has(key)) return 'stands twice';
  if (key === '__proto__') return 'is not allowed as a key';
  if (!key.isWellFormed()) return 'must not hold half a character (a lone surrogate)';
  return key === '<<' && node.type === 'PLAIN'
    ? 'is a merge key, which is not a part of YAML 1.2: write the members out, or put the key into quotes'
    : undefined;
}

function scalarValue({
  value,
  type,
}: Scalar): { readonly value: string | number | boolean | null } | { readonly problem: string } {
  if (typeof value === 'bigint') {
    const isExact = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
    return isExact
      ? { value: Number(value) }
      : { problem: 'is an integer beyond ±(2^53-1), which loses digits: write it as a text, in quotes' };
  }
  if (typeof value === 'number')
    return Number.isFinite(value) ? { value } : { problem: 'is no number that JSON can write' };
  if (typeof value === 'string')
    return value.isWellFormed()
      ? { value }
      : { problem: 'must not hold half a character (a lone surrogate)' };
  if (typeof value === 'boolean' || value === null || value === undefined) return { value: value ?? null };
  return { problem: `is no value of JSON (${type ?? typeof value})` };
}

// An alias stands for the nearest node before it that has its anchor.
function anchoredNodes(document: Document.Parsed): ReadonlyMap<Alias, Node> {
  const byName = new Map<string, Node>();
  const byAlias = new Map<Alias, Node>();
  visit(document, {
    Alias: (_, alias) => {
      const node = byName.get(alias.source);
      if (node !== undefined) byAlias.set(alias, node);
    },
    Value: (_, node) => {
      if (node.anchor !== undefined) byName.set(node.anchor, node);
    },
  });
  return byAlias;
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

// Counts what the aliases stand for without writing them out.
function refuseLarge(root: YamlNode, problems: YamlProblem[]): void {
  const sizes = new Map<YamlNode, { values: number; chars: number; depth: number }>();
  const sizeOf = (node: YamlNode): { values: number; chars: number; depth: number } => {
    const known = sizes.get(node);
    if (known !== undefined) return known;
    const size = { values: 1, chars: 0, depth: 0 };
    sizes.set(node, size);
    if (node.kind === 'scalar' && typeof node.value === 'string') size.chars = node.value.length;
    const children =
      node.kind === 'list' ? node.items : node.kind === 'map' ? node.entries.map((e) => e.value) : [];
    if (node.kind === 'map') for (const { key } of node.entries) size.chars += key.length;
    for (const child of children) {
      const { values, chars, depth } = sizeOf(child);
      size.values += values;
      size.chars += chars;
      size.depth = Math.max(size.depth, depth + 1);
    }
    return size;
  };
  const { values, chars, depth } = sizeOf(root);
  if (values > MAX_VALUES) problems.push({ at: 0, text: `holds more than ${MAX_VALUES} values` });
  if (chars > MAX_TEXT_CHARS) problems.push({ at: 0, text: 'holds more than 1 MiB of text' });
  if (depth > MAX_DEPTH) problems.push({ at: 0, text: TOO_DEEP });
}
