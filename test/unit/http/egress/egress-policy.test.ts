import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { parseEgressEntries } from '../../../../src/http/egress/egress-entries.ts';
import {
  createCheckedTargets,
  createEgressPolicy,
  type EgressPolicy,
} from '../../../../src/http/egress/egress-policy.ts';
import { ADDRESS_RANGES, parseIp, rangeOf } from '../../../../src/http/egress/ip-address.ts';
import { parseTargetUrl } from '../../../../src/http/egress/target-url.ts';

interface UrlCase {
  readonly url: string;
  readonly expect: 'blocked' | 'allowed';
  readonly why: string;
}

interface PolicyCase {
  readonly name: string;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly url: string;
  readonly answers: readonly string[] | null;
  readonly save: 'ok' | 'refused';
  readonly dial: 'allowed' | 'denied';
  readonly why: string;
  readonly https_only?: boolean;
}

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url), 'utf8')) as T;

const more = vectors<{
  addresses: readonly { address: string; expect: 'blocked' | 'allowed'; why: string }[];
  urls: readonly UrlCase[];
  entries: readonly { entry: string; expect: 'ok' | 'idle' | 'problem' }[];
  cases: readonly PolicyCase[];
}>('egress-more');

const policyOf = ({
  allow,
  deny,
  https_only: httpsOnly = false,
}: Pick<PolicyCase, 'allow' | 'deny' | 'https_only'>) =>
  createEgressPolicy({
    allow: parseEgressEntries(allow).entries,
    deny: parseEgressEntries(deny).entries,
    httpsOnly,
  });

// The executor checks the URL first, then the host with all its addresses.
const checkBoth = (policy: EgressPolicy, url: string, answers: readonly string[] | null) => {
  const save = policy.checkUrl(url);
  const target = parseTargetUrl(url);
  const dial = 'problem' in target ? target.problem : policy.checkDial(target, answers ?? [target.host]);
  return { save, dial: save ?? dial };
};

describe('createEgressPolicy', () => {
  const byDefault = createEgressPolicy();

  describe('without entries', () => {
    for (const { url, expect: expected, why } of [...vectors<readonly UrlCase[]>('egress'), ...more.urls]) {
      it(`finds ${JSON.stringify(url)} ${expected}: ${why}`, () => {
        expect(byDefault.checkUrl(url) === undefined ? 'allowed' : 'blocked').to.equal(expected);
      });
    }

    for (const { address, expect: expected, why } of more.addresses) {
      it(`finds the address ${address} ${expected}, as a literal and behind a name: ${why}`, () => {
        const literal = byDefault.checkUrl(`http://${address.includes(':') ? `[${address}]` : address}/`);
        const resolved = byDefault.checkDial({ host: 'api.example.com', port: 80 }, [address]);
        for (const refusal of [literal, resolved]) {
          expect(refusal === undefined ? 'allowed' : 'blocked').to.equal(expected);
        }
      });
    }
  });

  for (const row of [...vectors<{ cases: readonly PolicyCase[] }>('egress-policy').cases, ...more.cases]) {
    it(`finds a save ${row.save} and a dial ${row.dial} for: ${row.name} (${row.why})`, () => {
      const { save, dial } = checkBoth(policyOf(row), row.url, row.answers);
      expect({
        save: save === undefined ? 'ok' : 'refused',
        dial: dial === undefined ? 'allowed' : 'denied',
      }).to.deep.equal({ save: row.save, dial: row.dial });
    });
  }

  describe('in the text of a refusal', () => {
    const texts: readonly (readonly [url: string, allow: string, text: string])[] = [
      ['http://10.9.8.7/', '', 'the private network 10.0.0.0/8 (RFC 1918)'],
      ['http://10.9.8.7/', '', 'the entry 10.9.8.7 in CALLHOOKS_EGRESS_ALLOW would let it pass'],
      ['http://[fd12::7]/', '', 'the entry fd12::7 in'],
      ['http://localhost/', '127.0.0.0/8', 'the entry localhost in CALLHOOKS_EGRESS_ALLOW would let it pass'],
      ['http://crm/', '', 'the entry crm, or the CIDR of its addresses,'],
      ['http://x.localhost/', '', 'the entries 127.0.0.0/8 and ::1'],
      ['http://224.0.0.1/', '', 'no entry can open it'],
      ['http://u:p@example.com/', '', 'put it into an Authorization header'],
    ];
    for (const [url, allow, text] of texts) {
      it(`says "${text}" for ${url} with the allow entries "${allow}"`, () => {
        expect(policyOf({ allow: [allow], deny: [] }).checkUrl(url)).to.contain(text);
      });
    }

    it('names the entry that denies a literal', () => {
      expect(policyOf({ allow: [], deny: ['8.8.0.0/16'] }).checkUrl('http://8.8.8.8/')).to.contain(
        '8.8.0.0/16',
      );
    });

    it('names the rule for an address from DNS, and never the address itself', () => {
      const policy = policyOf({ allow: [], deny: ['93.184.216.0/24'] });
      for (const address of [
        '10.1.2.3',
        '127.0.0.7',
        '169.254.169.254',
        'fd00:ec2::254',
        '93.184.216.34',
        '64:ff9b::a00:1',
      ]) {
        const text = policy.checkDial({ host: 'crm.example', port: 443 }, ['1.1.1.1', address]) ?? '';
        expect(text).to.match(/^crm\.example leads to /);
        expect(text).to.not.contain(address);
        expect(text).to.not.match(/\d+\.\d+|::/);
      }
    });

    it('suggests an entry that lets the literal pass', () => {
      const literals = ADDRESS_RANGES.filter(({ kind }) => kind !== 'never' && kind !== 'public').map(
        ({ block }) => block.split('/')[0],
      );
      for (const literal of literals.filter(
        (text) => rangeOf(parseIp(text ?? '') ?? new Uint8Array(4)).kind !== 'never',
      )) {
        const url = `http://${literal?.includes(':') ? `[${literal}]` : literal}/`;
        const entry = /the entry (\S+) in/.exec(byDefault.checkUrl(url) ?? '')?.[1];
        expect(entry, url).to.be.a('string');
        expect(policyOf({ allow: [entry ?? ''], deny: [] }).checkUrl(url), url).to.equal(undefined);
      }
    });
  });

  describe('for any input', () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const privateV4 = fc.oneof(
      fc.tuple(fc.constant(10), byte, byte, byte),
      fc.tuple(fc.constant(127), byte, byte, byte),
      fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
      fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
    );
    const part = (value: number) =>
      fc.constantFrom(
        String(value),
        `0x${value.toString(16)}`,
        `0${value.toString(8)}`,
        `%3${String(value).slice(0, 1)}${String(value).slice(1)}`,
      );
    const spelled = privateV4.chain(([a, b, c, d]) =>
      fc.oneof(
        fc
          .tuple(part(a), part(b), part(c), part(d), fc.constantFrom('.', '。', '｡', '%2e'))
          .map(([w, x, y, z, dot]) => [w, x, y, z].join(dot)),
        fc.constant(String(((a * 256 + b) * 256 + c) * 256 + d)),
        fc.constant(`0x${(((a * 256 + b) * 256 + c) * 256 + d).toString(16)}`),
        fc.constant(`${a}.${(b * 256 + c) * 256 + d}`),
        fc.constant(`[::ffff:${a}.${b}.${c}.${d}]`),
        fc.constant(`[64:ff9b::${a}.${b}.${c}.${d}]`),
        fc.constant(`[::${a}.${b}.${c}.${d}]`),
      ),
    );

    it('refuses every spelling of a private address', () => {
      fc.assert(
        fc.property(
          fc.constantFrom('http://', 'https://', 'HTTP:', 'http:/', ' http:////'),
          spelled,
          fc.constantFrom('', '/', ':8080/x', './', '?a', '#b'),
          (scheme, host, rest) => {
            expect(byDefault.checkUrl(scheme + host + rest)).to.be.a('string');
          },
        ),
        { numRuns: 400 },
      );
    });

    it('refuses every text that the URL parser reads as a literal that is not public', () => {
      const text = fc.oneof(
        fc.webUrl(),
        fc.string().map((host) => `http://${host}/`),
        fc.ipV4Extended().map((host) => `http://${host}/`),
        fc.ipV6().map((host) => `http://[${host}]/`),
      );
      fc.assert(
        fc.property(text, (url) => {
          const literal = parseIp((URL.parse(url)?.hostname ?? '').replace(/^\[|\]$|\.$/g, ''));
          if (literal && rangeOf(literal).kind !== 'public')
            expect(byDefault.checkUrl(url)).to.be.a('string');
        }),
        { numRuns: 400 },
      );
    });

    it('returns a text or undefined, and never throws', () => {
      const policy = policyOf({
        allow: ['10.0.0.0/8', '64:ff9b::/96', '*.corp.example'],
        deny: ['10.1.0.0/16', 'x.example'],
      });
      const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string());
      fc.assert(
        fc.property(
          fc.string({ unit: 'binary' }),
          fc.oneof(fc.domain(), address),
          fc.integer(),
          fc.array(address, { maxLength: 4 }),
          (url, host, port, addresses) => {
            const literal = parseIp(host);
            for (const refusal of [
              policy.checkUrl(url),
              policy.checkUrl(`http://${host}/`),
              policy.checkDial(literal ? { host, literal, port } : { host, port }, addresses),
            ]) {
              expect(['string', 'undefined']).to.include(typeof refusal);
            }
          },
        ),
        { numRuns: 400 },
      );
    });
  });
});

describe('createCheckedTargets', () => {
  const asked: string[] = [];
  const policy: EgressPolicy = {
    checkUrl: (url) => {
      asked.push(url);
      return url.includes('forbidden') ? 'it is forbidden' : undefined;
    },
    checkDial: () => expect.fail('nothing is dialled here'),
    checkUnresolved: () => expect.fail('nothing is dialled here'),
  };
  beforeEach(() => asked.splice(0));

  it('parses and checks each URL once', () => {
    const targetOf = createCheckedTargets(policy);
    const first = targetOf('http://crm.example/a?b');
    expect(first).to.include({ origin: 'http://crm.example', path: '/a?b' });
    expect(targetOf('http://crm.example/a?b')).to.equal(first);
    expect(targetOf('http://crm.example/a?c')).to.include({ path: '/a?c' });
    expect(asked).to.deep.equal(['http://crm.example/a?b', 'http://crm.example/a?c']);
  });

  it('keeps the result of a refused URL and of a text that is not a URL', () => {
    const targetOf = createCheckedTargets(policy);
    for (let round = 0; round < 2; round++) {
      expect(targetOf('http://forbidden.example/')).to.deep.equal({ problem: 'it is forbidden' });
      expect(targetOf('nonsense')).to.deep.equal({ problem: 'the URL is not valid' });
    }
    expect(asked).to.have.length(2);
  });

  it('keeps 1,000 results at most', () => {
    const targetOf = createCheckedTargets(policy);
    for (let index = 0; index < 1_000; index++) targetOf(`http://crm.example/${index}`);
    targetOf('http://crm.example/0');
    expect(asked).to.have.length(1_000);
    targetOf('http://crm.example/1000');
    targetOf('http://crm.example/0');
    expect(asked).to.have.length(1_002);
  });

  it('does not keep the result of a URL over 1,024 characters', () => {
    const targetOf = createCheckedTargets(policy);
    const long = `http://crm.example/?${'x'.repeat(1_024)}`;
    targetOf(long);
    targetOf(long);
    expect(asked).to.have.length(2);
  });
});
