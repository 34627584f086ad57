import { expect } from 'chai';
import { type Arrival, createCallGate } from '../../../../src/engine/limits/call-gate.ts';

const ALWAYS_WELCOME = 256;

/** A gate with a clock and figures that the test sets. */
function gateAt(figures: { ageMs?: number; claimed?: number } = {}) {
  const world = { nowMs: 5_000, ageMs: 0, claimed: 0, ...figures };
  const gate = createCallGate({
    queueAgeMs: () => world.ageMs,
    claimedLately: () => world.claimed,
    now: () => world.nowMs,
  });
  /** As many calls as are let in, at most `most`. */
  const fill = (most: number): Arrival[] => {
    const arrivals: Arrival[] = [];
    while (arrivals.length < most) {
      const arrival = gate.arrive();
      if (arrival === undefined) break;
      arrivals.push(arrival);
    }
    return arrivals;
  };
  /** Passes so much time with the queue's oldest item so old, and tells whether a call gets in. */
  const after = (ms: number, ageMs: number): 'in' | 'refused' => {
    world.nowMs += ms;
    world.ageMs = ageMs;
    const arrival = gate.arrive();
    arrival?.leave();
    return arrival === undefined ? 'refused' : 'in';
  };
  return { world, gate, fill, after };
}

describe('the call gate, by number', () => {
  const rows: readonly [claimedLately: number, letIn: number][] = [
    [0, ALWAYS_WELCOME],
    [ALWAYS_WELCOME, ALWAYS_WELCOME],
    [257, 257],
    [400, 400],
  ];
  for (const [claimed, letIn] of rows) {
    it(`lets ${letIn} calls wait when ${claimed} were claimed in the last 200 ms`, () => {
      const { gate, fill } = gateAt({ claimed });
      expect(fill(1_000)).to.have.length(letIn);
      expect(gate.waiting()).to.equal(letIn);
      expect(gate.refused()).to.equal(1);
      expect(gate.arrive()).to.equal(undefined);
      expect(gate.refused()).to.equal(2);
    });
  }

  it('lets a call in for each that is decided or gone', () => {
    const { gate, fill } = gateAt();
    const [first, second] = fill(ALWAYS_WELCOME);
    first?.received();
    first?.decided();
    second?.leave();
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME - 2);
    expect(fill(10)).to.have.length(2);
  });

  it('counts a call once, however often it is decided, received or left', () => {
    const { gate, fill } = gateAt();
    const [first, second] = fill(3);
    for (const step of ['received', 'received', 'decided', 'decided', 'received', 'leave', 'leave'] as const)
      first?.[step]();
    second?.leave();
    second?.received();
    expect(gate.waiting()).to.equal(1);
  });

  it('goes with the figure: fewer may wait when fewer are claimed', () => {
    const { world, gate, fill } = gateAt({ claimed: 500 });
    const arrivals = fill(400);
    world.claimed = 380;
    expect(gate.arrive()).to.equal(undefined);
    for (const arrival of arrivals.slice(0, 21)) arrival.decided();
    expect(fill(10)).to.have.length(1);
  });

  it('is not kept shut by calls whose message does not come', () => {
    const { world, gate, fill } = gateAt();
    const stuck = fill(ALWAYS_WELCOME);
    world.nowMs += 999;
    expect(gate.arrive()).to.equal(undefined);
    world.nowMs += 1;
    expect(fill(300)).to.have.length(ALWAYS_WELCOME);
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME);
    // A message that comes after all makes its call count again.
    stuck[0]?.received();
    expect(gate.waiting()).to.equal(257);
    stuck[0]?.decided();
    for (const arrival of stuck) arrival.leave();
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME);
  });

  it('is kept shut by calls whose message has come, however long they wait', () => {
    const { world, gate, fill } = gateAt();
    for (const arrival of fill(ALWAYS_WELCOME)) arrival.received();
    world.nowMs += 60_000;
    expect(gate.arrive()).to.equal(undefined);
  });
});

describe('the call gate, by age', () => {
  type Step = readonly [ms: number, ageMs: number, expected: 'in' | 'refused'];
  const rows: readonly [title: string, steps: readonly Step[]][] = [
    [
      'lets calls in while the oldest item is at most 100 ms old',
      [
        [0, 100, 'in'],
        [99, 100, 'in'],
        [99, 100, 'in'],
      ],
    ],
    [
      'refuses once the oldest item has been above it for 100 ms',
      [
        [0, 101, 'in'],
        [98, 199, 'in'],
        [1, 200, 'refused'],
      ],
    ],
    [
      'counts on when the oldest item makes way for another old one',
      [
        [0, 101, 'in'],
        [50, 110, 'in'],
        [49, 150, 'refused'],
      ],
    ],
    [
      'knows from one look how long an item has been too old',
      [
        [0, 199, 'in'],
        [500, 200, 'refused'],
      ],
    ],
    [
      'counts anew after the age was below',
      [
        [0, 150, 'in'],
        [49, 100, 'in'],
        [1, 150, 'in'],
        [40, 190, 'in'],
        [10, 150, 'refused'],
      ],
    ],
    [
      'does not join looks that lie more than 100 ms apart',
      [
        [0, 150, 'in'],
        [101, 150, 'in'],
        [49, 150, 'in'],
        [1, 150, 'refused'],
      ],
    ],
    [
      'refuses until the age is below',
      [
        [0, 300, 'refused'],
        [20, 120, 'refused'],
        [20, 101, 'refused'],
        [20, 100, 'in'],
        [0, 101, 'in'],
      ],
    ],
  ];
  for (const [title, steps] of rows) {
    it(title, () => {
      const { after } = gateAt();
      const seen = steps.map(([ms, ageMs]) => after(ms, ageMs));
      expect(seen).to.deep.equal(steps.map(([, , expected]) => expected));
    });
  }

  it('says whether it is overloaded, and counts no refusal for the question', () => {
    const { world, gate } = gateAt({ ageMs: 250 });
    expect(gate.isOverloaded()).to.equal(true);
    expect(gate.refused()).to.equal(0);
    world.ageMs = 5;
    expect(gate.isOverloaded()).to.equal(false);
  });

  it('is not overloaded by number alone', () => {
    const { gate, fill } = gateAt();
    fill(1_000);
    expect(gate.isOverloaded()).to.equal(false);
  });
});
