import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { lintFiles, type Finding } from './lint-files.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

interface Module {
  /** The modules that it imports. */
  readonly uses?: readonly string[];
  /** The modules of which it imports types only. */
  readonly types?: readonly string[];
  readonly libraries?: readonly string[];
  /** The parts of Node.js that it imports. */
  readonly node?: readonly string[];
  /** One of its folders. */
  readonly inner?: string;
}

/** The imports that .oxlintrc.json allows. A module is a folder or a file at the top of src/, or migrations/. */
const MODULES: Readonly<Record<string, Module>> = {
  'main.ts': { uses: ['cli/'] },
  'cli/': {
    uses: [
      ...['access/', 'api-client/', 'app.ts', 'config/', 'domain/', 'errors.ts', 'explain/', 'gen/'],
      ...['logger.ts', 'ops/', 'proto-json/', 'store/', 'version.ts'],
    ],
    libraries: ['@bufbuild/protobuf', 'yaml'],
    node: ['fs', 'http2', 'os', 'path', 'timers/promises', 'util'],
    inner: 'client',
  },
  'app.ts': {
    uses: [
      ...['access/', 'commands/', 'console/', 'domain/', 'engine/', 'errors.ts', 'grpc/', 'http/', 'ids.ts'],
      ...['ops/'],
      ...['secrets/', 'store/', 'tracing/', 'version.ts'],
    ],
    types: ['config/', 'logger.ts'],
  },
  'grpc/': {
    uses: ['access/', 'commands/', 'domain/', 'errors.ts', 'gen/', 'logging/', 'version.ts'],
    types: ['config/', 'engine/', 'ids.ts', 'logger.ts', 'store/'],
    libraries: [
      ...[
        '@bufbuild/protobuf',
        '@bufbuild/protobuf/wire',
        '@grpc/grpc-js',
        '@grpc/proto-loader',
        '@grpc/reflection',
      ],
      ...['grpc-health-check', 'zod'],
    ],
    node: ['http2', 'timers/promises', 'tls'],
    inner: 'services',
  },
  'commands/': {
    uses: ['domain/', 'engine/', 'errors.ts'],
    types: ['http/', 'ids.ts', 'logger.ts', 'secrets/', 'store/'],
    inner: 'calls',
  },
  'engine/': {
    uses: ['domain/', 'errors.ts'],
    types: ['http/', 'ids.ts', 'logger.ts', 'secrets/', 'store/'],
    node: ['events', 'timers/promises'],
    inner: 'writes',
  },
  'domain/': { uses: ['errors.ts'], inner: 'template' },
  'errors.ts': {},

  'http/': {
    uses: ['errors.ts'],
    types: ['domain/'],
    libraries: ['undici'],
    node: ['dns', 'events', 'fs/promises', 'http', 'net', 'tls', 'zlib'],
    inner: 'client',
  },
  'store/': {
    uses: ['errors.ts', 'migrations/'],
    types: ['domain/', 'logger.ts'],
    libraries: ['better-sqlite3', 'knex'],
    node: ['events', 'fs', 'fs/promises', 'path', 'timers/promises', 'worker_threads'],
    inner: 'sql',
  },
  'secrets/': {
    uses: ['domain/', 'errors.ts'],
    types: ['store/'],
    node: ['crypto', 'fs/promises', 'path'],
  },
  'tracing/': {
    uses: ['domain/', 'version.ts'],
    types: ['config/', 'engine/', 'http/', 'logger.ts', 'store/'],
    libraries: [
      ...['@grpc/grpc-js', '@opentelemetry/api', '@opentelemetry/exporter-trace-otlp-grpc'],
      ...['@opentelemetry/exporter-trace-otlp-proto', '@opentelemetry/resources', '@opentelemetry/sdk-trace'],
    ],
    node: ['async_hooks'],
  },
  'console/': {
    uses: ['access/', 'domain/', 'errors.ts', 'explain/', 'gen/', 'logging/', 'proto-json/'],
    types: ['commands/', 'grpc/', 'logger.ts', 'secrets/'],
    libraries: ['@hono/node-server', 'hono'],
    node: ['crypto', 'fs', 'http', 'path'],
    inner: 'pages',
  },
  'proto-json/': { uses: ['gen/'], libraries: ['@bufbuild/protobuf'] },
  'access/': { node: ['crypto', 'fs/promises', 'tls'] },
  'ops/': {
    uses: ['access/', 'config/', 'errors.ts', 'secrets/', 'version.ts'],
    types: ['domain/', 'engine/', 'http/', 'logger.ts', 'store/'],
    node: [
      'events',
      'fs',
      'fs/promises',
      'http',
      'net',
      'path',
      'perf_hooks',
      'process',
      'timers/promises',
      'util',
    ],
    inner: 'metrics',
  },
  'config/': {
    uses: ['access/', 'errors.ts', 'logger.ts'],
    libraries: ['zod'],
    node: ['crypto', 'fs', 'net', 'os', 'path'],
  },
  'explain/': { uses: ['domain/', 'errors.ts', 'gen/'], inner: 'copy' },
  'api-client/': { uses: ['gen/'], libraries: ['@grpc/grpc-js'], node: ['net', 'timers/promises'] },
  'logger.ts': { uses: ['logging/'] },
  'logging/': { node: ['fs'] },
  'ids.ts': { node: ['crypto'] },
  'version.ts': {},
  'migrations/': {},
  'gen/': {},
};

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const LIBRARIES = [...Object.keys(dependencies), '@bufbuild/protobuf/wire', 'axios', 'mysql2/promise'];
const NODE = builtinModules.filter((name) => !name.startsWith('_') && !name.startsWith('node:'));

/** A file that imports, or might import, each place as a value and as a type, and each library. */
function importerOf(path: string, module: string): readonly Line[] {
  const places = Object.keys(MODULES).filter((place) => place !== module);
  return [
    ...places.flatMap((place) => {
      const target = `${place === 'migrations/' ? '' : 'src/'}${place}${place.endsWith('/') ? 'x.ts' : ''}`;
      const from = relative(dirname(path), target).replace(/^(?!\.)/, './');
      return [
        { kind: 'uses', name: place, from, word: 'import' },
        { kind: 'types', name: place, from, word: 'import type' },
      ] as const;
    }),
    ...LIBRARIES.map((name) => ({ kind: 'libraries', name, from: name, word: 'import' }) as const),
    ...NODE.map((name) => ({ kind: 'node', name, from: `node:${name}`, word: 'import' }) as const),
  ];
}

interface Line {
  readonly kind: 'uses' | 'types' | 'libraries' | 'node';
  readonly name: string;
  readonly from: string;
  readonly word: string;
}

function toSource(lines: readonly Line[]) {
  return lines.map(({ word, from }, index) => `${word} { a${index} } from '${from}';`).join('\n');
}

/** What a file in a module may import, as lint says. */
function allowedIn(lines: readonly Line[], refused: ReadonlySet<number>) {
  const namesOf = (kind: Line['kind']) =>
    lines
      .filter((line, index) => line.kind === kind && !refused.has(index + 1))
      .map(({ name }) => name)
      .toSorted();
  const uses = namesOf('uses');
  const types = namesOf('types').filter((name) => !uses.includes(name));
  return { uses, types, libraries: namesOf('libraries'), node: namesOf('node') };
}

const SAMPLES = Object.entries(MODULES)
  .filter(([module]) => module !== 'gen/')
  .flatMap(([module, { inner }]) => {
    const home = module === 'migrations/' ? module : `src/${module}`;
    const paths = home.endsWith('/') ? [`${home}x.ts`] : [home];
    if (inner !== undefined) paths.push(`${home}${inner}/x.ts`);
    return paths.map((path) => ({ module, path, lines: importerOf(path, module) }));
  });

const REFUSED: [title: string, path: string, source: string, help?: RegExp][] = [
  [
    'a value of a module that is seen as types',
    'commands/a.ts',
    "import { a } from '../store/a.ts';",
    /types only/,
  ],
  ['a value beside a type', 'commands/b.ts', "import { a, type B } from '../http/a.ts';", /types only/],
  ['a re-export', 'engine/c.ts', "export { a } from '../store/a.ts';", /types only/],
  ['a re-export of everything', 'domain/d.ts', "export * from '../store/a.ts';"],
  ['an import over many lines', 'engine/e.ts', "import {\n  a,\n  b,\n} from '../store/a.ts';", /types only/],
  ['an import when it runs', 'domain/f.ts', "const a = await import('../store/a.ts');"],
  ['such an import of a module seen as types', 'engine/g.ts', "await import('../store/a.ts');", /types only/],
  ['an import for its effects', 'domain/h.ts', "import '../store/a.ts';"],
  ['such an import of a module seen as types', 'engine/i.ts', "import '../store/a.ts';", /types only/],
  ['an import behind a comment', 'domain/i1.ts', "/* a */ import a from '../logger.ts';"],
  ['an absolute path', 'domain/k.ts', "import { a } from '/src/store/a.ts';"],
  ['a path inside a library', 'store/l.ts', "import a from 'knex/lib/a.js';"],
  ['a part of Node.js without its prefix', 'domain/m.ts', "import { readFileSync } from 'fs';"],
  ['dns.lookup', 'http/n.ts', "import { lookup } from 'node:dns';", /four threads/],
  ['the resolver that asks it', 'http/o.ts', "import { lookup } from 'node:dns/promises';"],
  ['a folder that has no entry', 'http/p.ts', "import { a } from '../utils/a.ts';"],
  ['an import from such a folder', 'utils/q.ts', "import { a } from '../errors.ts';", /has no entry/],
  [
    'a value of the domain beside the failures',
    'http/q1.ts',
    "import { a } from '../domain/f.ts';",
    /types only/,
  ],
  ['such a value', 'store/q2.ts', "import { a } from '../domain/json.ts';", /types only/],
  ['the gRPC server', 'cli/agent-files/r1.ts', "import { a } from '../../grpc/server.ts';"],
  ['a parser of another module', 'config/r.ts', "import { a } from '../http/egress/egress-policy.ts';"],
];

const ALLOWED: [title: string, path: string, source: string][] = [
  ['an import within a folder of a module', 'grpc/services/s.ts', "import { a } from './a.ts';"],
  ['an import from such a folder up to its module', 'grpc/services/t.ts', "import { a } from '../unary.ts';"],
  ['an import from such a folder to the next', 'grpc/services/u.ts', "import { a } from '../requests/a.ts';"],
  ['an import of a folder of the module', 'http/v.ts', "import { a } from './client/a.ts';"],
  ['types alone in braces', 'commands/w.ts', "import { type A, type B } from '../store/a.ts';"],
  ['a re-export of types', 'commands/x1.ts', "export type { A } from '../store/a.ts';"],
  ['a resolver', 'http/y.ts', "import { Resolver } from 'node:dns';"],
  ['the table of failures', 'http/y1.ts', "import { FAILURES } from '../domain/failures.ts';"],
  ['the table of failures', 'store/y2.ts', "import { FAILURES } from '../domain/failures.ts';"],
  ['the parser of requests', 'cli/agent-files/z4.ts', "import { a } from '../../grpc/requests/a.ts';"],
  ['the parser of a setting', 'config/z.ts', "import { a } from '../http/egress/egress-entries.ts';"],
  ['the parser of a secret setting', 'config/z1.ts', "import { a } from '../secrets/encryption-keys.ts';"],
  [
    'the parser of the URL of the database',
    'config/z3.ts',
    "import { a } from '../store/sql/database-url.ts';",
  ],
  ['an import that only a comment names', 'domain/z2.ts', "// import { a } from '../store/a.ts';"],
];

describe('the imports that lint allows', function () {
  this.timeout(30_000); // starts a compiler
  let findings: Finding[];

  before(async () => {
    const samples = SAMPLES.map(({ path, lines }) => [path, toSource(lines)] as const);
    const rows = [...REFUSED, ...ALLOWED].map(([, path, source]) => [`src/${path}`, source] as const);
    const all = await lintFiles([...samples, ...rows]);
    findings = all.filter(({ rule }) => rule === 'eslint(no-restricted-imports)');
  });

  const findingsIn = (path: string) => findings.filter((finding) => finding.path === path);

  for (const { module, path, lines } of SAMPLES) {
    it(`are those of the table in ${path}`, () => {
      const refused = new Set(findingsIn(path).map(({ line }) => line));
      const { uses = [], types = [], libraries = [], node = [] } = MODULES[module] ?? {};
      expect(allowedIn(lines, refused)).to.deep.equal({ uses, types, libraries, node });
    });
  }

  for (const [title, path, , help = /must not import this/] of REFUSED) {
    it(`do not include ${title} (${path})`, () => {
      expect(findingsIn(`src/${path}`).map((finding) => finding.help)).to.have.length(1);
      expect(findingsIn(`src/${path}`)[0]?.help).to.match(help);
    });
  }

  for (const [title, path] of ALLOWED) {
    it(`include ${title} (${path})`, () => {
      expect(findingsIn(`src/${path}`)).to.deep.equal([]);
    });
  }

  it('are in the table for everything in src/', () => {
    const entries = readdirSync(join(ROOT, 'src'), { withFileTypes: true });
    const modules = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    expect(Object.keys(MODULES)).to.have.members([...modules, 'migrations/']);
  });

  it('never lead back up', () => {
    const order = ['main.ts', 'cli/', 'app.ts', 'grpc/', 'commands/', 'engine/', 'domain/', 'errors.ts'];
    for (const [index, module] of order.entries()) {
      const { uses = [], types = [] } = MODULES[module] ?? {};
      const above = order.slice(0, index);
      expect([...uses, ...types].filter((place) => above.includes(place))).to.deep.equal([]);
    }
  });
});
