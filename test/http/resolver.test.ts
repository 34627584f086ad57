import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createResolver } from '../../src/http/dns/resolver.ts';
import { startDnsServer, type DnsAnswer, type DnsServer } from '../support/dns-server.ts';

type Zone = (name: string, family: 'A' | 'AAAA') => DnsAnswer;

describe('the resolver', () => {
  const folder = mkdtempSync(join(tmpdir(), 'callhooks-hosts-'));
  const hostsFile = join(folder, 'hosts');
  const open: DnsServer[] = [];

  before(() =>
    writeFileSync(
      hostsFile,
      '# a comment\n127.0.0.9\tcrm.corp.example CRM-Alias # more\n\n127.0.0.10 crm.corp.example\nfe80::1%lo0 zone.example\nnonsense crm2\n',
    ),
  );
  afterEach(() => Promise.all(open.splice(0).map((server) => server.close())));
  after(() => rmSync(folder, { recursive: true }));

  const serve = async (zone: Zone): Promise<DnsServer> => {
    const server = await startDnsServer(zone);
    open.push(server);
    return server;
  };
  const resolverFor = async (zone: Zone) => {
    const server = await serve(zone);
    return { server, resolve: createResolver({ servers: [server.address], hostsFile }) };
  };
  const timed = async <T>(work: Promise<T>): Promise<{ result: T; ms: number }> => {
    const start = performance.now();
    return { result: await work, ms: performance.now() - start };
  };
  const v4 = (count: number) => Array.from({ length: count }, (_, index) => `127.0.1.${index}`);

  const answers: readonly (readonly [title: string, zone: Zone, result: object])[] = [
    [
      'returns IPv4 before IPv6',
      (_, family) => (family === 'A' ? ['127.0.0.1', '127.0.0.2'] : ['::1']),
      { addresses: ['127.0.0.1', '127.0.0.2', '::1'] },
    ],
    [
      'returns one family when the other has no address',
      (_, family) => (family === 'A' ? [] : ['::1']),
      { addresses: ['::1'] },
    ],
    [
      'uses the family that answers when the other fails',
      (_, family) => (family === 'A' ? 'SERVFAIL' : ['::1']),
      { addresses: ['::1'] },
    ],
    ['takes 64 records', (_, family) => (family === 'A' ? v4(64) : []), { addresses: v4(64) }],
    [
      'refuses 65 records',
      (_, family) => (family === 'A' ? v4(65) : []),
      { problem: 'x.example has more than 64 addresses in DNS' },
    ],
    [
      'counts the records of both families',
      (_, family) => (family === 'A' ? v4(64) : ['::1']),
      { problem: 'x.example has more than 64 addresses in DNS' },
    ],
    [
      'says that a short name does not exist, and that search domains are not applied',
      () => 'NXDOMAIN',
      { problem: 'x.example does not exist in DNS; search domains are not applied, so write the full name' },
    ],
    [
      'says that a short name has no address, and that search domains are not applied',
      () => [],
      { problem: 'x.example has no address in DNS; search domains are not applied, so write the full name' },
    ],
    [
      'says that the server failed',
      () => 'SERVFAIL',
      { problem: 'x.example could not be resolved: the DNS server failed' },
    ],
  ];
  for (const [title, zone, result] of answers) {
    it(title, async () => {
      const { resolve } = await resolverFor(zone);
      expect(await resolve('x.example')).to.deep.equal(result);
    });
  }

  it('waits 250 ms for the other family, and no longer', async () => {
    const { resolve } = await resolverFor((_, family) => (family === 'A' ? ['127.0.0.1'] : 'silent'));
    const { result, ms } = await timed(resolve('x.example'));
    expect(result).to.deep.equal({ addresses: ['127.0.0.1'] });
    expect(ms).to.be.within(200, 1_900);
  });

  it('returns both families when the other one answers in that time', async () => {
    const { resolve } = await resolverFor((_, family) =>
      family === 'A' ? ['127.0.0.1'] : { after: 100, records: ['::1'] },
    );
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1', '::1'] });
  });

  it('asks the next server when one is silent for 300 ms', async () => {
    const [silent, good] = [
      await serve(() => 'silent'),
      await serve((_, family) => (family === 'A' ? ['127.0.0.1'] : [])),
    ];
    const resolve = createResolver({ servers: [silent.address, good.address], hostsFile });
    const { result, ms } = await timed(resolve('x.example'));
    expect(result).to.deep.equal({ addresses: ['127.0.0.1'] });
    expect(ms).to.be.within(250, 1_900);
  });

  it('fails after 2 s in all when all servers are silent', async () => {
    const silent = await Promise.all(Array.from({ length: 9 }, () => serve(() => 'silent')));
    const resolve = createResolver({ servers: silent.map(({ address }) => address), hostsFile });
    const { result, ms } = await timed(resolve('x.example'));
    expect(result).to.deep.equal({
      problem: 'x.example could not be resolved: no answer from DNS within 2.0 s',
    });
    // Nine servers of 300 ms each would take 2.7 s.
    expect(ms).to.be.within(1_950, 2_650);
  });

  it('answers at once while the server of other names is silent', async () => {
    const { resolve } = await resolverFor((name, family) =>
      name.startsWith('silent') ? 'silent' : family === 'A' ? ['127.0.0.1'] : [],
    );
    const silent = Array.from({ length: 20 }, (_, index) => resolve(`silent${index}.example`));
    const { result, ms } = await timed(resolve('good.example'));
    expect(result).to.deep.equal({ addresses: ['127.0.0.1'] });
    expect(ms).to.be.below(1_900);
    await Promise.all(silent);
  });

  it('asks once for look-ups of one name that overlap, and again afterwards', async () => {
    const { server, resolve } = await resolverFor((_, family) => ({
      after: 30,
      records: family === 'A' ? ['127.0.0.1'] : [],
    }));
    await Promise.all(Array.from({ length: 50 }, () => resolve('x.example')));
    expect([...server.questions].sort()).to.deep.equal(['A x.example', 'AAAA x.example']);
    await resolve('x.example');
    expect(server.questions).to.have.length(4);
  });

  it('applies no search domain', async () => {
    const { server, resolve } = await resolverFor(() => 'NXDOMAIN');
    expect(await resolve('crm')).to.deep.equal({
      problem: 'crm does not exist in DNS; search domains are not applied, so write the full name',
    });
    expect([...server.questions].sort()).to.deep.equal(['A crm', 'AAAA crm']);
  });

  const local: readonly (readonly [name: string, addresses: readonly string[]])[] = [
    ['crm.corp.example', ['127.0.0.9', '127.0.0.10']],
    ['crm-alias', ['127.0.0.9']],
    ['localhost', ['127.0.0.1', '::1']],
    ['x.localhost', ['127.0.0.1', '::1']],
  ];
  for (const [name, addresses] of local) {
    it(`returns the addresses of ${name} without asking DNS`, async () => {
      const { server, resolve } = await resolverFor(() => 'NXDOMAIN');
      expect(await resolve(name)).to.deep.equal({ addresses });
      expect(server.questions).to.deep.equal([]);
    });
  }

  for (const name of ['zone.example', 'crm2', 'more']) {
    it(`asks DNS for ${name}, whose line in the hosts file is not usable`, async () => {
      const { resolve } = await resolverFor(() => 'NXDOMAIN');
      expect(await resolve(name)).to.have.property('problem');
    });
  }

  it('asks DNS when there is no hosts file', async () => {
    const server = await serve((_, family) => (family === 'A' ? ['127.0.0.1'] : []));
    const resolve = createResolver({ servers: [server.address], hostsFile: join(folder, 'none') });
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1'] });
  });

  it('returns a problem in words for a name that DNS can not hold', async () => {
    const { resolve } = await resolverFor(() => 'NXDOMAIN');
    for (const name of ['a b.example', `${'a'.repeat(64)}.example`, 'x..y', '']) {
      expect(await resolve(name), name).to.have.property('problem');
    }
  });

  it('throws for malformed servers when it is made', () => {
    expect(() => createResolver({ servers: ['not an address'] })).to.throw();
  });
});
