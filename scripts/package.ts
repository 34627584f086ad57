/**
 * Makes the package that operators install: `build/callhooks-VERSION.tgz`, its bill of materials (CycloneDX) and the
 * checksums of both. `make package` runs it after a build. The same sources give the same bytes each time.
 *
 * The package holds the files that `files` of package.json names, and all its dependencies: so it is installed without a
 * registry, and runs with the versions that the tests ran with. (npm reads the npm-shrinkwrap.json of packages from a
 * registry only, and ignores the one in a tarball.)
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const target = join(root, 'build');

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly devDependencies?: object }>>;
}

// Files of dependencies that no process reads: source maps, TypeScript that is compiled already, and the C sources of
// SQLite, for which better-sqlite3 brings a compiled library for each platform.
const UNREAD = /\.map$|(?<!\.d)\.[mc]?ts$|\/better-sqlite3\/(?:deps|src)$/;

/** Runs npm in a folder and returns what it prints. Throws when it fails. */
function npm(folder: string, ...args: readonly string[]): string {
  const result = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (result.error) throw result.error;
  if (result.status !== 0) throw new Error(`npm ${args.join(' ')} failed with exit code ${result.status}`);
  return result.stdout;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** Copies the files of the package. The list is the one that npm makes of `files`. */
function stage(folder: string): void {
  const [packed] = JSON.parse(npm(root, 'pack', '--dry-run', '--json', '--ignore-scripts')) as [
    { readonly files: readonly { readonly path: string }[] },
  ];
  for (const { path } of packed.files) cpSync(join(root, path), join(folder, path));
  // npm makes a program executable when it installs it. This is for those who unpack the tarball and are done.
  chmodSync(join(folder, 'dist/src/main.js'), 0o755);
}

/** Copies the packages that production needs from node_modules, which npm filled by the lockfile. */
function bundle(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    cpSync(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) => source !== join(root, path, 'node_modules') && !UNREAD.test(source),
    });
  }
}

/** Leaves out of package.json what concerns the repository alone. */
function writeManifest(folder: string): void {
  const {
    private: _,
    scripts: __,
    devDependencies: ___,
    ...manifest
  } = readJson<Record<string, unknown> & { readonly dependencies: object }>(join(root, 'package.json'));
  writeJson(join(folder, 'package.json'), {
    ...manifest,
    bundleDependencies: Object.keys(manifest.dependencies),
  });
}

/** Writes a lockfile without the packages of development, for the bill of materials. Returns the paths of the packages. */
function writeLock(folder: string): readonly string[] {
  const lock = readJson<Lock>(join(root, 'package-lock.json'));
  const packages = Object.entries(lock.packages)
    .filter(([, entry]) => entry.dev !== true)
    .map(([path, entry]) => {
      const { devDependencies: _, ...kept } = entry;
      return [path, kept] as const;
    });
  writeJson(join(folder, 'package-lock.json'), { ...lock, packages: Object.fromEntries(packages) });
  return packages.map(([path]) => path).filter((path) => path !== '');
}

/** Writes the bill of materials, without what differs each time: its number and the time. */
function writeBill(folder: string, file: string): void {
  const text = npm(
    folder,
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--sbom-type',
    'application',
    '--package-lock-only',
  );
  const { serialNumber: _, ...bill } = JSON.parse(text) as { serialNumber: string; metadata: object };
  const { timestamp: __, ...metadata } = bill.metadata as { timestamp: string };
  writeJson(file, { ...bill, metadata });
}

const work = mkdtempSync(join(tmpdir(), 'callhooks-package-'));
// npm names the bill of materials after the folder.
const folder = join(work, 'callhooks');
try {
  rmSync(target, { recursive: true, force: true });
  for (const made of [folder, target]) mkdirSync(made, { recursive: true });
  stage(folder);
  writeManifest(folder);
  bundle(folder, writeLock(folder));
  const [packed] = JSON.parse(
    npm(folder, 'pack', '--json', '--ignore-scripts', '--pack-destination', target),
  ) as [{ readonly filename: string; readonly unpackedSize: number; readonly entryCount: number }];
  const tarball = join(target, packed.filename);
  const bill = tarball.replace(/\.tgz$/, '.cdx.json');
  writeBill(folder, bill);
  const sums = [tarball, bill].map(
    (file) => `${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${basename(file)}\n`,
  );
  writeFileSync(join(target, 'SHA256SUMS'), sums.join(''));
  const kib = (bytes: number) => `${Math.ceil(bytes / 1024)} KiB`;
  console.log(
    `build/${packed.filename}: ${kib(statSync(tarball).size)}, ${packed.entryCount} files of ${kib(packed.unpackedSize)}`,
  );
} finally {
  rmSync(work, { recursive: true, force: true });
}
