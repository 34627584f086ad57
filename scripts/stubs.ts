/**
 * Generates stubs of the API with local plugins, which test/tools/stub-tools.sh installs:
 * - for Go into gen/go/, and for Python into clients/python/; both are committed;
 * - for Java and TypeScript into stubs/, which git ignores.
 * Copies of deploy/service-config.json go to the clients that embed it. With `--check` it generates everything into a
 * temporary folder, and fails when what is committed differs.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { differences, filesBelow } from './folders.ts';
import { run, runBuf } from './run.ts';

const root = dirname(import.meta.dirname);
const bin = join(root, '.cache', 'bin');
const python = join(root, '.cache', 'python-client', 'newest', 'bin');

/** What is generated for a language. */
interface Stubs {
  /** The folder of the project that the files go to. */
  readonly folder: string;
  /** The files in that folder which are generated. A committed folder may hold others. */
  readonly generated: RegExp;
  readonly committed: boolean;
  generate(folder: string): void;
}

const STUBS: Readonly<Record<string, Stubs>> = {
  go: {
    folder: 'gen/go',
    generated: /\.pb\.go$|service-config\.json$/,
    committed: true,
    generate: generateGo,
  },
  python: {
    folder: 'clients/python/src',
    generated: /\/v1\/|service-config\.json$/,
    committed: true,
    generate: generatePython,
  },
  java: { folder: 'stubs/java', generated: /^/, committed: false, generate: generateJava },
  typescript: { folder: 'stubs/typescript', generated: /^/, committed: false, generate: generateTypescript },
};

/** Runs plugins on the files of callhooks, without those that they import: libraries have these. */
function generateWith(folder: string, plugins: readonly object[]): void {
  const template = {
    version: 'v2',
    inputs: [{ directory: 'proto', paths: ['proto/callhooks'] }],
    plugins: plugins.map((plugin) => ({ out: '.', ...plugin })),
  };
  runBuf(root, 'generate', '--template', JSON.stringify(template), '--output', folder);
}

/** The option `module` puts each file where its go_package says, and refuses a go_package outside of the module. */
function generateGo(folder: string): void {
  const opt = 'module=github.com/callhooks/callhooks/gen/go';
  const plugins = ['protoc-gen-go', 'protoc-gen-go-grpc'];
  generateWith(
    folder,
    plugins.map((name) => ({ local: join(bin, name), opt })),
  );
  copyServiceConfig(join(folder, 'callhooks'));
}

function generateJava(folder: string): void {
  generateWith(folder, [
    { protoc_builtin: 'java', protoc_path: join(bin, 'protoc') },
    { local: join(bin, 'protoc-gen-grpc-java') },
  ]);
}

/** The files in stubs/ are those of src/gen/, whose template has the options. */
function generateTypescript(folder: string): void {
  runBuf(root, 'generate', '--output', folder);
}

function generatePython(folder: string): void {
  const protos = readdirSync(join(root, 'proto', 'callhooks', 'v1')).map((name) => `callhooks/v1/${name}`);
  const plugins = ['mypy', 'mypy_grpc'];
  run(root, join(python, 'python'), [
    ...['-m', 'grpc_tools.protoc', '-Iproto', `--python_out=${folder}`, `--grpc_python_out=${folder}`],
    ...plugins.flatMap((name) => [
      `--plugin=protoc-gen-${name}=${join(python, `protoc-gen-${name}`)}`,
      `--${name}_out=quiet:${folder}`,
    ]),
    ...protos,
  ]);
  const generated = join(folder, 'callhooks', 'v1');
  for (const name of readdirSync(generated)) finishPython(join(generated, name));
  writeFileSync(join(generated, '__init__.py'), '');
  copyServiceConfig(join(folder, 'callhooks'));
}

/**
 * What Python's plugins write to refuse every library that is older than themselves, by the ends of the files. Users can't
 * choose the newest ones: the framework pipecat, for example, needs a protobuf below 7. The code itself works with older
 * libraries, and the tests of the package run with the oldest that it promises.
 */
const VERSION_CHECKS: Readonly<Record<string, readonly RegExp[]>> = {
  '_pb2.py': [
    /^from google\.protobuf import runtime_version as _runtime_version\n/m,
    /^_runtime_version\.ValidateProtobufRuntimeVersion\([^)]*\)\n/m,
  ],
  '_pb2_grpc.py': [/^import warnings\n/m, /^GRPC_GENERATED_VERSION = [\s\S]*?^ {4}\)\n/m],
  '_pb2_grpc.pyi': [/^GRPC_GENERATED_VERSION: str\nGRPC_VERSION: str\n\n/m],
};

/** Removes a file that belongs to a service but has none, and from every other file the checks of library versions. */
function finishPython(file: string): void {
  const source = readFileSync(file, 'utf8');
  if (file.includes('_pb2_grpc.') && !/^class \w+Stub/m.test(source)) return rmSync(file);
  const checks = Object.entries(VERSION_CHECKS).flatMap(([end, checks]) =>
    file.endsWith(end) ? checks : [],
  );
  let rest = source;
  for (const check of checks) {
    if (!check.test(rest)) throw new Error(`${file} does not hold ${String(check)}`);
    rest = rest.replace(check, '');
  }
  writeFileSync(file, rest);
}

function copyServiceConfig(folder: string): void {
  cpSync(join(root, 'deploy', 'service-config.json'), join(folder, 'service-config.json'));
}

function onlyGenerated(files: Map<string, string>, { generated }: Stubs): Map<string, string> {
  return new Map([...files].filter(([name]) => generated.test(name)));
}

function check(stubs: Stubs, fresh: string): string[] {
  if (!stubs.committed) return [];
  const committed = onlyGenerated(filesBelow(join(root, stubs.folder)), stubs);
  return differences(filesBelow(fresh), committed).map((name) => join(stubs.folder, name));
}

function replace(stubs: Stubs, fresh: string): void {
  const folder = join(root, stubs.folder);
  mkdirSync(folder, { recursive: true });
  for (const name of onlyGenerated(filesBelow(folder), stubs).keys()) rmSync(join(folder, name));
  cpSync(fresh, folder, { recursive: true });
  console.log(`${stubs.folder} is generated`);
}

const checks = process.argv.includes('--check');
const named = process.argv.slice(2).filter((word) => word !== '--check');
const stale: string[] = [];
for (const [language, stubs] of Object.entries(STUBS)) {
  if (named.length > 0 && !named.includes(language)) continue;
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-stubs-'));
  try {
    stubs.generate(folder);
    if (checks) stale.push(...check(stubs, folder));
    else replace(stubs, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
if (stale.length > 0) {
  console.error(`The stubs are not what proto/ generates; run "make stubs":\n  ${stale.join('\n  ')}`);
  process.exitCode = 1;
}
