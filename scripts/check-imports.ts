/**
 * The house plan, held: which room of src/ may import which, and in which room each library lives. The two tables
 * are the plan; everything below them only reads imports. An own checker instead of lint rules, because those know
 * no "as types only" per room, and a later override of a file replaces the options of an earlier one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

interface Room {
  /** Files (`errors.ts`) or folders (`domain/`) that it may import. */
  readonly uses?: readonly string[];
  /** Those of which it may import types only. */
  readonly types?: readonly string[];
}

/** main → app → grpc → commands → engine → domain → errors. A room may always import from itself. */
export const ROOMS: Readonly<Record<string, Room>> = {
  'main.ts': { uses: ['app.ts', 'config/', 'errors.ts', 'logger.ts', 'ops/', 'store/', 'version.ts'] },
  'app.ts': {
    uses: [
      'grpc/',
      'commands/',
      'engine/',
      'domain/',
      'http/',
      'store/',
      'secrets/',
      'ops/',
      'errors.ts',
      'ids.ts',
      'version.ts',
    ],
    types: ['config/', 'logger.ts'],
  },
  'grpc/': {
    uses: ['commands/', 'domain/', 'errors.ts', 'gen/', 'version.ts'],
    types: ['engine/', 'store/', 'config/', 'logger.ts', 'ids.ts'],
  },
  'commands/': {
    uses: ['engine/', 'domain/', 'errors.ts'],
    types: ['store/', 'http/', 'secrets/', 'logger.ts', 'ids.ts'],
  },
  'engine/': {
    uses: ['domain/', 'errors.ts'],
    types: ['store/', 'http/', 'secrets/', 'logger.ts', 'ids.ts'],
  },
  'domain/': { uses: ['errors.ts'] },
  'errors.ts': {},

  'http/': { uses: ['domain/types.ts', 'errors.ts'], types: ['domain/'] },
  'store/': { uses: ['domain/types.ts', 'errors.ts', 'migrations/'], types: ['domain/', 'logger.ts'] },
  'secrets/': { uses: ['domain/', 'errors.ts'], types: ['store/'] },
  'ops/': {
    uses: ['config/', 'errors.ts', 'secrets/', 'version.ts'],
    types: ['domain/', 'store/', 'http/', 'engine/', 'logger.ts'],
  },

  'config/': {
    // The rooms say what their settings look like: parsers that do nothing else.
    uses: ['errors.ts', 'http/egress/egress-entries.ts', 'secrets/encryption-keys.ts', 'logger.ts'],
    types: ['http/', 'secrets/'],
  },
  'logger.ts': { uses: ['logging/'] },
  'logging/': {},
  'ids.ts': {},
  'version.ts': {},
  'migrations/': {},
};

/** Where each library lives, and the parts of Node.js that only some rooms may touch. What is not here is refused. */
export const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  '@grpc/grpc-js': ['grpc/'],
  '@grpc/proto-loader': ['grpc/'],
  '@grpc/reflection': ['grpc/'],
  'grpc-health-check': ['grpc/'],
  '@bufbuild/protobuf': ['grpc/'],
  '@opentelemetry/api': ['ops/'],
  'prom-client': ['ops/'],
  zod: ['grpc/', 'config/'],
  knex: ['store/', 'migrations/'],
  mysql2: ['store/'],
  'better-sqlite3': ['store/'],
  undici: ['http/'],

  'node:process': ['main.ts'],
  'node:child_process': [],
  'node:dns': ['http/'],
  'node:http': ['http/', 'ops/'],
  'node:http2': ['grpc/'],
  'node:https': [],
  'node:net': ['http/', 'grpc/', 'ops/', 'config/'],
  'node:tls': ['http/', 'grpc/', 'config/'],
  // Sealing and signing in one room; ids are made in one file. The others: the random part of the instance name,
  // reading certificates, and the owner of the migration lock.
  'node:crypto': ['secrets/', 'ids.ts', 'config/', 'http/client/tls-context.ts', 'store/migrate.ts'],
};

/** Rooms without any of Node.js: they must run, and be tested, without a machine around them. */
export const PURE = ['domain/', 'errors.ts', 'commands/'];

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
  /** What stands between `import` and `from`. */
  readonly clause: string;
  readonly line: number;
}

/** What is wrong with the imports of one file; `path` counts from src/ (`migrations/` beside it). */
export function checkImports(path: string, source: string): string[] {
  const home = roomOf(path);
  if (home === undefined) return [`${path}: is in no room; give it a row in scripts/check-imports.ts`];
  return importsOf(source).flatMap((found) => {
    const problem = found.from.startsWith('.')
      ? checkFile(path, home, found)
      : checkLibrary(path, home, found);
    return problem === undefined ? [] : [`${path}:${found.line}: ${problem}`];
  });
}

function checkFile(path: string, home: string, found: Import): string | undefined {
  const target = normalize(join(dirname(path), found.from))
    .replace(/^\.\.\/migrations\//, 'migrations/')
    .replace(/^src\//, '');
  const { uses = [], types = [] } = ROOMS[home] ?? {};
  const isIn = (places: readonly string[]) => places.some((place) => contains(place, target));
  if (contains(home, target) || isIn(uses) || (found.typeOnly && isIn(types))) return undefined;
  if (isIn(types)) return `${home} may import ${target} as types only (import type)`;
  return `${home} must not import ${target}`;
}

function checkLibrary(path: string, home: string, found: Import): string | undefined {
  const builtin = found.from.startsWith('node:');
  const name = libraryOf(found.from);
  if (found.from.startsWith('node:dns') && /\blookup\b/.test(found.clause))
    return 'dns.lookup shares four threads with everything else: use a Resolver';
  const places = LIBRARIES[name];
  if (places === undefined && builtin && !PURE.includes(home)) return undefined;
  if (places?.some((place) => contains(place, path))) return undefined;
  if (places === undefined && !builtin)
    return `${name} is in no room; give it a row in scripts/check-imports.ts`;
  return `${home} must not import ${name} (${places?.length ? `it lives in ${places.join(', ')}` : 'no Node.js here'})`;
}

/** `@grpc/grpc-js/build/x` → `@grpc/grpc-js`, `node:dns/promises` → `node:dns`. */
function libraryOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const contains = (place: string, path: string): boolean =>
  place.endsWith('/') ? path.startsWith(place) : path === place;

const roomOf = (path: string): string | undefined => Object.keys(ROOMS).find((room) => contains(room, path));

const STATEMENT =
  /^[ \t]*(?:(?:import|export)\s+(type\s)?([\w$\s,*{}]*?)\s*\bfrom|import)\s*['"]([^'"]+)['"]/gm;
const CALL = /\b(?:import|require)\s*\(\s*['"`]([^'"`]+)['"`]/g;

function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const lineOf = (index: number) => code.slice(0, index).split('\n').length;
  const statements = [...code.matchAll(STATEMENT)].map((match) => {
    const [whole, typeWord, clause = '', from = ''] = match;
    const line = lineOf(match.index + whole.length - from.length);
    return { from, clause, line, typeOnly: typeWord !== undefined || namesOnlyTypes(clause) };
  });
  const calls = [...code.matchAll(CALL)].map((match) => {
    // import('…') in the place of a type names a type: `typeof import('…')`, `: import('…').X`.
    const typeOnly = /(?:typeof|[:<|&,]|\bas)\s*$/.test(code.slice(0, match.index));
    return { from: match[1] ?? '', clause: '', line: lineOf(match.index), typeOnly };
  });
  return [...statements, ...calls];
}

/** `{ type A, type B }` */
function namesOnlyTypes(clause: string): boolean {
  const names = /^\{(.*)\}$/s
    .exec(clause.trim())?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return names !== undefined && names.length > 0 && names.every((name) => /^\s*type\s/.test(name));
}

/** Blanks comments, keeps lines and strings. */
export function withoutComments(source: string): string {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\/[^\n]*|\/\*[^]*?\*\//g;
  return source.replace(token, (text) => (/^\/[/*]/.test(text) ? text.replace(/[^\n]/g, ' ') : text));
}

function main(): number {
  const root = dirname(import.meta.dirname);
  const files = (folder: string) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => join(folder, path));
  const all = [...files('src'), ...files('migrations')].filter((path) => !path.startsWith('src/gen/')).sort();
  const problems = all.flatMap((path) =>
    checkImports(path.replace(/^src\//, ''), readFileSync(join(root, path), 'utf8')),
  );
  for (const problem of problems) console.error(problem);
  console.error(`imports: ${all.length} files, ${problems.length} problems`);
  return problems.length === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main();
