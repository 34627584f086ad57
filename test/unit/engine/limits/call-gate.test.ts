import { expect } from 'chai';
import { type Arrival, createCallGate } from '../../../../src/engine/limits/call-gate.ts';

const ALWAYS_WELCOME = 256;

/** Makes a gate with a clock and figures that the test sets. */
function gateAt(figures: { ageMs?: number; claimed?: number } = {}) {
  const state = { nowMs: 5_000, ageMs: 0, claimed: 0, ...figures };
  const gate = createCallGate({
    health: { isAvailable: () => true },
    writes: { ageMs: () => state.ageMs, claimedLately: () => state.claimed },
    now: () => state.nowMs,
  });
  /** Lets calls arrive until one is refused, at most `most`. Returns those that were let in. */
  const fill = (most: number): Arrival[] => {
    const arrivals: Arrival[] = [];
    while (arrivals.length < most) {
      const arrival = gate.arrive();
      if (arrival === undefined) break;
      arrivals.push(arrival);
    }
    return arrivals;
  };
  /** Moves the clock on, sets the age of the oldest item, and returns whether a call gets in. */
  const after = (ms: number, ageMs: number): 'in' | 'refused' => {
    state.nowMs += ms;
    state.ageMs = ageMs;
    const arrival = gate.arrive();
    arrival?.leave();
    return arrival === undefined ? 'refused' : 'in';
  };
  return { state, gate, fill, after };
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

  it('lets another call in for each call that is decided or gone', () => {
    const { gate, fill } = gateAt();
    const [first, second] = fill(ALWAYS_WELCOME);
    first?.received();
    first?.decided();
    second?.leave();
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME - 2);
    expect(fill(10)).to.have.length(2);
  });

  it('counts a call once when it is received, decided and left several times', () => {
    const { gate, fill } = gateAt();
    const [first, second] = fill(3);
    for (const step of ['received', 'received', 'decided', 'decided', 'received', 'leave', 'leave'] as const)
      first?.[step]();
    second?.leave();
    second?.received();
    expect(gate.waiting()).to.equal(1);
  });

  it('lets fewer calls wait when fewer are claimed', () => {
    const { state, gate, fill } = gateAt({ claimed: 500 });
    const arrivals = fill(400);
    state.claimed = 380;
    expect(gate.arrive()).to.equal(undefined);
    for (const arrival of arrivals.slice(0, 21)) arrival.decided();
    expect(fill(10)).to.have.length(1);
  });

  it('stops counting a call whose message does not come within a second', () => {
    const { state, gate, fill } = gateAt();
    const stuck = fill(ALWAYS_WELCOME);
    state.nowMs += 999;
    expect(gate.arrive()).to.equal(undefined);
    state.nowMs += 1;
    expect(fill(300)).to.have.length(ALWAYS_WELCOME);
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME);
    // A message that comes after all makes its call count again.
    stuck[0]?.received();
    expect(gate.waiting()).to.equal(257);
    stuck[0]?.decided();
    for (const arrival of stuck) arrival.leave();
    expect(gate.waiting()).to.equal(ALWAYS_WELCOME);
  });

  it('counts calls whose message has come, however long they wait', () => {
    const { state, gate, fill } = gateAt();
    for (const arrival of fill(ALWAYS_WELCOME)) arrival.received();
    state.nowMs += 60_000;
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
      'refuses once the oldest item has been above 100 ms for 100 ms',
      [
        [0, 101, 'in'],
        [98, 199, 'in'],
        [1, 200, 'refused'],
      ],
    ],
    [
      'counts on when another old item becomes the oldest',
      [
        [0, 101, 'in'],
        [50, 110, 'in'],
        [49, 150, 'refused'],
      ],
    ],
    [
      'takes from the first question how long an item has been too old',
      [
        [0, 199, 'in'],
        [500, 200, 'refused'],
      ],
    ],
    [
      'counts anew after the age was below 100 ms',
      [
        [0, 150, 'in'],
        [49, 100, 'in'],
        [1, 150, 'in'],
        [40, 190, 'in'],
        [10, 150, 'refused'],
      ],
    ],
    [
      'counts anew when two questions lie more than 100 ms apart',
      [
        [0, 150, 'in'],
        [101, 150, 'in'],
        [49, 150, 'in'],
        [1, 150, 'refused'],
      ],
    ],
    [
      'refuses until the age is at most 100 ms',
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

  it('reports whether it is overloaded, and counts no refusal for the question', () => {
    const { state, gate } = gateAt({ ageMs: 250 });
    expect(gate.isOverloaded()).to.equal(true);
    expect(gate.refused()).to.equal(0);
    state.ageMs = 5;
    expect(gate.isOverloaded()).to.equal(false);
  });

  it('reports no overload when only the number of calls is too high', () => {
    const { gate, fill } = gateAt();
    fill(1_000);
    expect(gate.isOverloaded()).to.equal(false);
  });
});
