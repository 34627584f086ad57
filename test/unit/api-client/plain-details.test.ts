import { expect } from 'chai';
import { plainDetails } from '../../../src/api-client/plain-details.ts';

const REFUSED = 'connect ECONNREFUSED 127.0.0.1:9';
const LAYER = 'No connection established. Last error: ';

const TEXTS: [title: string, details: string, expected: string][] = [
  [
    'two balancers',
    `round_robin: ${LAYER}${LAYER}Error: ${REFUSED}. Resolution note: `,
    `no connection could be made: ${REFUSED}`,
  ],
  ['one balancer', `${LAYER}${REFUSED}. Resolution note: `, `no connection could be made: ${REFUSED}`],
  ['a kind of error', `${LAYER}TypeError: bad. Resolution note: `, 'no connection could be made: bad'],
  ['no cause', `${LAYER}null. Resolution note: `, 'no connection could be made'],
  [
    'a note',
    `${LAYER}${REFUSED}. Resolution note: two names failed`,
    `no connection could be made: ${REFUSED}. Resolution note: two names failed`,
  ],
];

describe('plainDetails', () => {
  for (const [title, details, expected] of TEXTS)
    it(`returns one sentence for a failed connection with ${title}`, () => {
      expect(plainDetails(details)).to.equal(expected);
    });

  it('returns every other text as it is', () => {
    for (const text of ['', 'there is no agent', 'Name resolution failed for target dns:nowhere:1'])
      expect(plainDetails(text)).to.equal(text);
  });
});
