import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** A package of a lockfile of npm. */
interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
}

for (const folder of ['proto/google/rpc/', 'test/vectors/jsonpath-compliance/'])
  describe(`vendored files in ${folder}`, () => {
    const rows = [
      ...read(`${folder}README.md`).matchAll(
        /^\| `(.*)` \| .* \| `[0-9a-f]{40}` .* \| `([0-9a-f]{64})` \|$/gm,
      ),
    ];
    const hashes = new Map(rows.map(([, name = '', hash = '']) => [name, hash]));

    it('each have a row with repository, commit, licence and hash', () => {
      const names = readdirSync(new URL(folder, root)).filter((name) => name !== 'README.md');
      expect([...hashes.keys()]).to.deep.equal(names.toSorted());
    });

    for (const [name, hash] of hashes)
      it(`equal their source byte for byte (${name})`, () => {
        const bytes = readFileSync(new URL(folder + name, root));
        expect(createHash('sha256').update(bytes).digest('hex')).to.equal(hash);
      });
  });

const SIGNATURES = 'test/clients/signatures/package';

for (const file of ['package-lock.json', 'tools/node/package-lock.json', `${SIGNATURES}-lock.json`])
  describe(file, () => {
    const { packages } = JSON.parse(read(file)) as { packages: Readonly<Record<string, LockedPackage>> };
    // The entry without a name is this project itself.
    const locked = Object.entries(packages).filter(([path]) => path !== '');

    it('has a SHA-512 of each package', () => {
      expect(locked).not.to.deep.equal([]);
      const without = locked.filter(
        ([, { integrity }]) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''),
      );
      expect(without).to.deep.equal([]);
    });

    it('names no registry, so that npm takes each package from the one of its settings', () => {
      expect(locked.filter(([, { resolved }]) => resolved !== undefined)).to.deep.equal([]);
    });
  });

for (const file of ['package.json', `${SIGNATURES}.json`])
  describe(file, () => {
    it('names one exact version of each dependency', () => {
      const { dependencies, devDependencies } = JSON.parse(read(file)) as Record<
        string,
        Record<string, string>
      >;
      const inexact = Object.entries({ ...dependencies, ...devDependencies }).filter(
        ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
      );
      expect(inexact).to.deep.equal([]);
    });
  });
