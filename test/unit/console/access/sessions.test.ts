import { expect } from 'chai';
import { hashToken, type ApiToken } from '../../../../src/access/api-tokens.ts';
import { createSessions } from '../../../../src/console/access/sessions.ts';
import { createKeyring } from '../../../../src/secrets/keyring.ts';
import { createTextSeal } from '../../../../src/secrets/text-seal.ts';

const HOUR_MS = 3_600_000;
const key = (id: string, byte: number) => ({ id, bytes: Buffer.alloc(32, byte) });
const [OLD, NEW] = [key('old', 1), key('new', 2)];
const sealOf = (...keys: (typeof OLD)[]) => createTextSeal(createKeyring(keys));
const token = (name: string, text: string): ApiToken => ({ name, role: 'viewer', sha256: hashToken(text) });
const ALICE = token('alice', 'token-of-alice');
const BOB = token('bob', 'token-of-bob');

describe('createSessions', () => {
  let nowMs = 1_000;
  const clock = () => nowMs;
  beforeEach(() => {
    nowMs = 1_000;
  });
  const sessions = (tokens: readonly ApiToken[], seal = sealOf(OLD)) => createSessions(seal, tokens, clock);
  const cookie = (value: string) => `callhooks_session=${value}`;

  it('finds the session of its cookie, on another replica with the same keys too', () => {
    const value = sessions([ALICE, BOB]).begin(ALICE);
    const found = sessions([BOB, ALICE]).find(`other=1; ${cookie(value)}; last=2`);
    expect(found?.token).to.equal(ALICE);
  });

  it('gives each session an id of its own', () => {
    const { begin, find } = sessions([ALICE]);
    const ids = [begin(ALICE), begin(ALICE)].map((value) => find(cookie(value))?.id);
    expect(new Set(ids).size).to.equal(2);
  });

  it('ends a session after 8 hours', () => {
    const { begin, find } = sessions([ALICE]);
    const value = begin(ALICE);
    nowMs += 8 * HOUR_MS - 1;
    expect(find(cookie(value))).not.to.equal(undefined);
    nowMs += 1;
    expect(find(cookie(value))).to.equal(undefined);
  });

  it('ends a session with its token: one that is removed, replaced under its name, or renamed', () => {
    const value = sessions([ALICE, BOB]).begin(ALICE);
    expect(sessions([BOB]).find(cookie(value))).to.equal(undefined);
    expect(sessions([token('alice', 'another token')]).find(cookie(value))).to.equal(undefined);
    expect(sessions([token('eve', 'token-of-alice')]).find(cookie(value))).to.equal(undefined);
  });

  it('gives a session the role that its token has now', () => {
    const value = sessions([ALICE]).begin(ALICE);
    const promoted: ApiToken = { ...ALICE, role: 'admin' };
    expect(sessions([promoted]).find(cookie(value))?.token.role).to.equal('admin');
  });

  it('outlives a change of the keys, until the old key is removed', () => {
    const value = sessions([ALICE]).begin(ALICE);
    expect(sessions([ALICE], sealOf(NEW, OLD)).find(cookie(value))).not.to.equal(undefined);
    expect(sessions([ALICE], sealOf(NEW)).find(cookie(value))).to.equal(undefined);
  });

  it('finds none in a cookie that is cut off, changed, of other keys with the same id, or no cookie of callhooks', () => {
    const { begin, find } = sessions([ALICE]);
    const value = begin(ALICE);
    const middle = value.length >> 1;
    const changed = value.slice(0, middle) + (value[middle] === 'A' ? 'B' : 'A') + value.slice(middle + 1);
    const foreign = sessions([ALICE], sealOf(key('old', 9))).begin(ALICE);
    const cutOff = [...value].map((_, length) => value.slice(0, length));
    for (const bad of [changed, foreign, ...cutOff, 'old.', '.', `none.${value.slice(4)}`, 'a'.repeat(8_000)])
      expect(find(cookie(bad)), bad).to.equal(undefined);
    expect(find(undefined)).to.equal(undefined);
    expect(find('callhooks_session_x=1; xcallhooks_session=2')).to.equal(undefined);
  });

  it('finds none in a text that was sealed for something else', () => {
    const seal = sealOf(OLD);
    const { name, sha256 } = ALICE;
    const content = { name, sha256: sha256.toString('base64url'), id: 'x', endsAtMs: HOUR_MS };
    const text = JSON.stringify(content);
    const { find } = sessions([ALICE], seal);
    expect(find(cookie(seal.seal(text, 'console session')))).not.to.equal(undefined);
    expect(find(cookie(seal.seal(text, 'console form')))).to.equal(undefined);
  });

  it('takes the first of several cookies that holds, and looks at four of them', () => {
    const { begin, find } = sessions([ALICE, BOB]);
    const [alice, bob] = [begin(ALICE), begin(BOB)].map(cookie);
    expect(find(`${cookie('junk')}; ${bob}; ${alice}`)?.token).to.equal(BOB);
    expect(find(`${`${cookie('junk')}; `.repeat(4)}${alice}`)).to.equal(undefined);
  });
});
