import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createResolver } from '../../src/http/dns/resolver.ts';
import { startDnsServer, type DnsAnswer, type DnsServer } from '../support/dns-server.ts';
import { guardedExecutor, sendTo } from '../support/guarded-executor.ts';
import { onQuietMachine, watchMachine } from '../support/quiet-machine.ts';
import { until } from '../support/until.ts';

watchMachine();

type Zone = (name: string, family: 'A' | 'AAAA', nth: number) => DnsAnswer;

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
  // Only DNS uses UDP here. Timers of earlier tests may still end, so fewer than before are no fault.
  const timerCount = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const udpSockets = () => {
    const table = readFileSync('/proc/self/net/udp', 'utf8').trim().split('\n');
    const sockets = new Set(table.map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`));
    return readdirSync('/proc/self/fd').filter((fd) => sockets.has(targetOf(fd))).length;
  };
  const targetOf = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  };
  /** Counts what a look-up holds, and returns the check that no more of it is left. */
  const watchHandles = () => {
    const [timers, sockets] = [timerCount(), udpSockets()];
    return () => {
      expect(udpSockets(), 'UDP sockets').to.be.at.most(sockets);
      expect(timerCount(), 'timers').to.be.at.most(timers);
    };
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
      'says that the server failed when it fails twice',
      () => 'SERVFAIL',
      {
        problem:
          'x.example could not be resolved: the DNS server failed; search domains are not applied, so write the full name',
      },
    ],
    [
      'says that the server refused when it refuses twice',
      () => 'REFUSED',
      {
        problem:
          'x.example could not be resolved: the DNS server refused; search domains are not applied, so write the full name',
      },
    ],
    [
      'says that the server failed when one family has no address and the other fails',
      (_, family) => (family === 'A' ? [] : 'SERVFAIL'),
      {
        problem:
          'x.example could not be resolved: the DNS server failed; search domains are not applied, so write the full name',
      },
    ],
    [
      'asks over TCP when the answer over UDP is truncated',
      (_, family) => (family === 'A' ? { truncated: v4(40) } : []),
      { addresses: v4(40) },
    ],
    [
      'asks again when the first question is lost',
      (_, family, nth) => (nth === 1 ? 'silent' : family === 'A' ? ['127.0.0.1'] : ['::1']),
      { addresses: ['127.0.0.1', '::1'] },
    ],
    [
      'asks again when five questions are lost',
      (_, family, nth) => (nth <= 5 ? 'silent' : family === 'A' ? ['127.0.0.1'] : ['::1']),
      { addresses: ['127.0.0.1', '::1'] },
    ],
    [
      'asks again when the server fails once',
      (_, family, nth) => (nth === 1 ? 'SERVFAIL' : family === 'A' ? ['127.0.0.1'] : ['::1']),
      { addresses: ['127.0.0.1', '::1'] },
    ],
    [
      'takes an answer after 350 ms though it has asked again',
      (_, family, nth) =>
        nth === 1 ? { after: 350, records: family === 'A' ? ['127.0.0.1'] : ['::1'] } : 'silent',
      { addresses: ['127.0.0.1', '::1'] },
    ],
    [
      'takes the one family that the server answers for, each time after 1.2 s',
      (_, family) => (family === 'A' ? 'silent' : { after: 1_200, records: ['::1'] }),
      { addresses: ['::1'] },
    ],
  ];
  for (const [title, zone, result] of answers) {
    it(title, async () => {
      const { resolve } = await resolverFor(zone);
      expect(await resolve('x.example')).to.deep.equal(result);
    });
  }

  it('takes the answer to the first question after 1.9 s', async () => {
    const { resolve } = await resolverFor((_, family, nth) =>
      nth === 1 ? { after: 1_900, records: family === 'A' ? ['127.0.0.1'] : [] } : 'silent',
    );
    const fromMs = Date.now();
    const result = await resolve('x.example');
    await onQuietMachine('the answer comes in time', fromMs, () =>
      expect(result).to.deep.equal({ addresses: ['127.0.0.1'] }),
    );
  });

  it('waits 250 ms for the other family, and no longer', async () => {
    const { resolve } = await resolverFor((_, family) => (family === 'A' ? ['127.0.0.1'] : 'silent'));
    const fromMs = Date.now();
    const { result, ms } = await timed(resolve('x.example'));
    expect(result).to.deep.equal({ addresses: ['127.0.0.1'] });
    expect(ms).to.be.at.least(240);
    await onQuietMachine('it waits no longer', fromMs, () => expect(ms).to.be.below(600));
  });

  it('returns both families when the other one answers in that time', async () => {
    const { resolve } = await resolverFor((_, family) =>
      family === 'A' ? ['127.0.0.1'] : { after: 100, records: ['::1'] },
    );
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1', '::1'] });
  });

  const bad: readonly (readonly [title: string, zone: Zone])[] = [
    ['is silent for 300 ms', () => 'silent'],
    ['fails', () => 'SERVFAIL'],
    ['refuses', () => 'REFUSED'],
  ];
  for (const [title, zone] of bad) {
    it(`asks the next server when one ${title}`, async () => {
      const [first, good] = [
        await serve(zone),
        await serve((_, family) => (family === 'A' ? ['127.0.0.1'] : [])),
      ];
      const resolve = createResolver({ servers: [first.address, good.address], hostsFile });
      const fromMs = Date.now();
      const { result, ms } = await timed(resolve('x.example'));
      expect(result).to.deep.equal({ addresses: ['127.0.0.1'] });
      await onQuietMachine('the next server answers', fromMs, () => expect(ms).to.be.below(1_000));
    });
  }

  it('asks the next server at once when nothing listens at one', async () => {
    const dead = await startDnsServer(() => 'silent');
    await dead.close();
    const good = await serve((_, family) => (family === 'A' ? ['127.0.0.1'] : ['::1']));
    const resolve = createResolver({ servers: [dead.address, good.address], hostsFile });
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1', '::1'] });
    expect(await createResolver({ servers: [dead.address], hostsFile })('x.example')).to.deep.equal({
      problem: 'x.example could not be resolved: no DNS server could be reached',
    });
  });

  it('asks the servers in turns, and goes on listening to each of them', async () => {
    const slow = await serve((_, family, nth) =>
      nth === 1 ? { after: 1_000, records: family === 'A' ? ['127.0.0.1'] : ['::1'] } : 'silent',
    );
    const silent = await serve(() => 'silent');
    const resolve = createResolver({ servers: [slow.address, silent.address], hostsFile });
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1', '::1'] });
    expect(slow.questions.length, 'questions to the first server').to.be.at.least(2);
    expect(silent.questions.length, 'questions to the second server').to.be.at.least(2);
  });

  it('asks once when the name does not exist', async () => {
    const { server, resolve } = await resolverFor((_, family) => (family === 'A' ? 'NXDOMAIN' : 'silent'));
    const fromMs = Date.now();
    const { result, ms } = await timed(resolve('no.such.example'));
    expect(result).to.deep.equal({ problem: 'no.such.example does not exist in DNS' });
    await onQuietMachine('one answer is enough', fromMs, () => {
      expect(ms).to.be.below(250);
      expect(server.questions).to.have.length(2);
    });
  });

  it('says that a family got no answer when the other has no address', async () => {
    const { resolve } = await resolverFor((_, family) => (family === 'A' ? [] : 'silent'));
    expect(await resolve('x.example')).to.deep.equal({
      problem: 'x.example could not be resolved: no answer from DNS within 2.0 s',
    });
  });

  it('ends a look-up, its timers and its sockets when the last of its callers waits no longer', async () => {
    const { server, resolve } = await resolverFor(() => 'silent');
    const expectNoneLeft = watchHandles();
    const [first, second] = [new AbortController(), new AbortController()];
    const looked = [resolve('x.example', first.signal), resolve('x.example', second.signal)];
    await until('the questions to arrive', () => server.questions.length === 2);
    first.abort();
    await until('the questions to be asked again', () => server.questions.length > 2);
    expect(expectNoneLeft, 'while it runs').to.throw('UDP sockets');
    second.abort();
    const [result] = await Promise.all(looked);
    expect(result)
      .to.have.property('problem')
      .that.matches(/no answer from DNS within 0\.\d s$/);
    expectNoneLeft();
    const asked = server.questions.length;
    const again = await timed(resolve('x.example'));
    expect(again.ms, 'a caller after that begins a look-up of its own').to.be.at.least(1_900);
    expect(server.questions.length).to.be.above(asked);
  });

  it('ends the look-up of a request that reaches its time limit', async () => {
    const { server, resolve } = await resolverFor(() => 'silent');
    const expectNoneLeft = watchHandles();
    const executor = guardedExecutor({ resolve });
    const { failure } = await sendTo(executor, 'http://x.example/', { limitMs: 450 });
    expect(failure).to.deep.include({ code: 'TIMEOUT', sent: 'no' });
    expect(failure?.message).to.match(/^x\.example was not resolved within 4\d\d ms$/);
    await new Promise(setImmediate);
    expectNoneLeft();
    expect(server.questions.length).to.be.within(2, 4);
  });

  it('leaves no timer and no socket behind when one family is silent', async () => {
    const { resolve } = await resolverFor((_, family, nth) =>
      nth === 1 ? 'silent' : family === 'A' ? ['127.0.0.1'] : 'silent',
    );
    const expectNoneLeft = watchHandles();
    expect(await resolve('x.example')).to.deep.equal({ addresses: ['127.0.0.1'] });
    expectNoneLeft();
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
