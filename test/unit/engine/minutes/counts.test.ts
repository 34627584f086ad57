import { expect } from 'chai';
import { array, assert, constantFrom, integer, property, record } from 'fast-check';
import { COUNTED_OUTCOMES } from '../../../../src/domain/counted-outcome.ts';
import { addText, toText } from '../../../../src/engine/minutes/counts-text.ts';
import {
  addAt,
  addOutcome,
  addWord,
  createCounts,
  mergeCounts,
  type Counts,
} from '../../../../src/engine/minutes/counts.ts';
import { LATENCY_BUCKETS } from '../../../../src/engine/minutes/latency-buckets.ts';

const EVENTS = array(
  record({
    type: constantFrom('pre_call', 'post_call'),
    outcome: constantFrom(...COUNTED_OUTCOMES),
    bucket: integer({ min: 0, max: LATENCY_BUCKETS - 1 }),
    code: constantFrom('TIMEOUT', 'DNS', 'TLS'),
    webhook: integer({ min: 1, max: 15 }),
  }),
  { maxLength: 200 },
);
type Event = typeof EVENTS extends { generate(...args: never[]): { value: (infer One)[] } } ? One : never;

function countsOf(events: readonly Event[]): Counts {
  const counts = createCounts();
  for (const { type, outcome, bucket, code, webhook } of events) {
    addOutcome(counts.byType[type], outcome);
    addAt(counts.byType[type].latency, bucket, 1);
    addWord(counts.failures, code);
    addWord(counts.refusals, `NOT_${code}`);
    counts.webhooks.add(`webhook-${webhook}`, `agent-${webhook}`, 1);
  }
  return counts;
}

/** Returns what counts say, so that equal ones are equal. */
function contentOf({ byType, failures, refusals, webhooks }: Counts) {
  const sorted = (words: ReadonlyMap<string, number>) => [...words].toSorted();
  return [byType, sorted(failures), sorted(refusals), webhooks.worst(1_000), webhooks.others(1_000)];
}

describe('counts', () => {
  it('that are merged equal the counts of all that each of them has counted, in any order', () => {
    assert(
      property(EVENTS, EVENTS, (some, others) => {
        const merged = countsOf(some);
        mergeCounts(merged, countsOf(others));
        const reversed = countsOf(others);
        mergeCounts(reversed, countsOf(some));
        const all = contentOf(countsOf([...some, ...others]));
        expect(contentOf(merged)).to.deep.equal(all);
        expect(contentOf(reversed)).to.deep.equal(all);
      }),
    );
  });

  it('that are written as text and added to a sum equal a merge', () => {
    assert(
      property(EVENTS, EVENTS, (some, others) => {
        const read = countsOf(some);
        addText(read, toText(countsOf(others)));
        const merged = countsOf(some);
        mergeCounts(merged, countsOf(others));
        expect(contentOf(read)).to.deep.equal(contentOf(merged));
      }),
    );
  });

  for (const [title, text] of [
    ['no JSON', '{'],
    ['null', 'null'],
    ['a list', '[1]'],
    [
      'members of other types',
      '{"pre_call":7,"failures":[],"refusals":"x","webhooks":{"a":1},"otherWebhooks":-3}',
    ],
    [
      'counts that are no counts',
      '{"failures":{"DNS":"7","TLS":-1,"CONNECT":1.5},"pre_call":{"latency":[900,3,"2",4]}}',
    ],
    [
      'what a newer release may write',
      '{"transfer":{"outcomes":{"vanished":3}},"webhooks":[[7,8,9],["only-one"]]}',
    ],
  ] as const)
    it(`read nothing from ${title}`, () => {
      const counts = createCounts();
      addText(counts, text);
      const total = counts.byType.pre_call.outcomes.reduce((sum, count) => sum + count, 0);
      expect([total, counts.webhooks.others(0)]).to.deep.equal([0, 0]);
      for (const count of counts.failures.values()) expect(count).to.equal(0);
    });

  it('take at most 100 words', () => {
    const words = new Map<string, number>();
    for (let at = 0; at < 1_000; at += 1) addWord(words, `CODE_${at % 500}`);
    expect(words.size).to.equal(100);
    expect(words.get('CODE_0')).to.equal(2);
  });

  it('have a text of at most 5 KB when every bucket, code and webhook is used', () => {
    const counts = createCounts();
    for (const { latency } of Object.values(counts.byType)) latency.fill(12_345);
    for (let at = 0; at < 19; at += 1) addWord(counts.failures, `A_FAILURE_CODE_${at}`, 12_345);
    for (let at = 0; at < 22; at += 1) addWord(counts.refusals, `A_REASON_OF_AN_RPC_${at}`, 12_345);
    for (let at = 0; at < 150; at += 1)
      counts.webhooks.add(`${at}`.padStart(36, 'a'), `${at}`.padStart(36, 'b'), 12_345);
    expect(toText(counts).length).to.be.within(4_000, 5 * 1_024);
  });
});
