import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TlsFiles } from '../../../src/access/tls-files.ts';
import { watchTlsFiles, type TlsWatch } from '../../../src/access/watch-tls-files.ts';
import { until } from '../../support/until.ts';

const pem = (name: string) => readFileSync(new URL(`../../support/certs/${name}`, import.meta.url), 'utf8');
const filesOf = (name: string): TlsFiles => ({
  certificate: pem(`${name}.pem`),
  key: pem(`${name}.key`),
  clientCa: undefined,
});
const [OLD, NEW] = [filesOf('endpoint'), filesOf('self-signed')];

describe('watchTlsFiles', () => {
  let folder: string;
  let watch: TlsWatch;
  let changes: TlsFiles[];
  let problems: (readonly string[])[];

  const write = ({ certificate, key }: Partial<TlsFiles>) => {
    if (certificate !== undefined) writeFileSync(join(folder, 'cert.pem'), certificate);
    if (key !== undefined) writeFileSync(join(folder, 'key.pem'), key);
  };
  /** Waits until the files were looked at a few times. */
  const looks = () => new Promise((resolve) => void setTimeout(resolve, 200));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'callhooks-tls-'));
    [changes, problems] = [[], []];
    write(OLD);
    watch = watchTlsFiles({
      paths: { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), clientCa: undefined },
      initial: OLD,
      onChange: (files) => changes.push(files),
      onProblems: (found) => problems.push(found),
      everyMs: 20,
    });
  });
  afterEach(() => {
    watch.close();
    rmSync(folder, { recursive: true });
  });

  it('says nothing while the files stay as they are', async () => {
    await looks();
    expect([changes, problems]).to.deep.equal([[], []]);
    expect(watch.isStale()).to.equal(false);
  });

  it('hands over new files once', async () => {
    write(NEW);
    await until('a change', () => changes.length > 0);
    await looks();
    expect(changes).to.deep.equal([NEW]);
    expect(problems).to.deep.equal([]);
  });

  it('hands over files that were renamed into their place', async () => {
    writeFileSync(join(folder, 'new.pem'), NEW.certificate);
    writeFileSync(join(folder, 'new.key'), NEW.key);
    renameSync(join(folder, 'new.pem'), join(folder, 'cert.pem'));
    renameSync(join(folder, 'new.key'), join(folder, 'key.pem'));
    await until('a change', () => changes.length > 0);
    expect(changes).to.deep.equal([NEW]);
  });

  const bad: [title: string, files: Partial<TlsFiles>, problem: RegExp][] = [
    ['a certificate without its key', { certificate: NEW.certificate }, /KEY_FILE does not fit/],
    ['a key without its certificate', { key: NEW.key }, /KEY_FILE does not fit/],
    [
      'a certificate that was written half',
      { ...NEW, certificate: NEW.certificate.slice(0, 200) },
      /holds no PEM/,
    ],
    ['empty files', { certificate: '', key: '' }, /holds no PEM/],
  ];
  for (const [title, files, problem] of bad) {
    it(`reports ${title} once, and hands over nothing until the rest is there`, async () => {
      write(files);
      await until('problems', () => problems.length > 0);
      await looks();
      expect(problems).to.have.length(1);
      expect(problems[0]?.[0]).to.match(problem);
      expect([changes, watch.isStale()]).to.deep.equal([[], true]);
      write(NEW);
      await until('a change', () => changes.length > 0);
      expect([changes, watch.isStale()]).to.deep.equal([[NEW], false]);
    });
  }

  it('reports a file that is gone, and is content when it comes back as it was', async () => {
    rmSync(join(folder, 'key.pem'));
    await until('problems', () => problems.length > 0);
    expect(problems[0]?.[0]).to.match(/^CALLHOOKS_TLS_KEY_FILE names a file that can't be read \(ENOENT\)/);
    write(OLD);
    await until('an end of the problem', () => !watch.isStale());
    expect(changes).to.deep.equal([]);
  });

  it('hands over nothing while each look finds other files, good ones too', async () => {
    const last = { ...OLD, certificate: `${OLD.certificate}# 40\n` };
    for (let count = 1; count <= 40; count += 1) {
      write({ certificate: `${OLD.certificate}# ${count}\n` });
      await new Promise((resolve) => void setTimeout(resolve, 5));
    }
    expect(changes).to.deep.equal([]);
    await until('a change', () => changes.length > 0);
    expect(changes).to.deep.equal([last]);
  });

  it('takes new files at once, and repeats a problem, when it is told to look', async () => {
    watch.close();
    write(NEW);
    await watch.lookNow();
    expect(changes).to.deep.equal([NEW]);
    write({ key: OLD.key });
    await watch.lookNow();
    await watch.lookNow();
    expect(problems).to.have.length(2);
  });
});
