import { expect } from 'chai';
import { parseMoment } from '../../../../../src/console/pages/executions/moment.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');

describe('parseMoment', () => {
  for (const [text, iso] of [
    ['2h', '2026-11-28T10:00:00.000Z'],
    ['15m ago', '2026-11-28T11:45:00.000Z'],
    ['3 d', '2026-11-25T12:00:00.000Z'],
    ['2026-11-28', '2026-11-28T00:00:00.000Z'],
    ['2026-11-28 11:30', '2026-11-28T11:30:00.000Z'],
    ['2026-11-28 11:30:15 UTC', '2026-11-28T11:30:15.000Z'],
    ['2026-11-28T11:30:15.25Z', '2026-11-28T11:30:15.250Z'],
    ['2026-11-28T13:30:15+02:00', '2026-11-28T11:30:15.000Z'],
  ] as const)
    it(`reads ${text} as ${iso}`, () => {
      expect((parseMoment(text, NOW) as Date).toISOString()).to.equal(iso);
    });

  it('reads a time before 1970 as 1970, so that a link with it can be read again', () => {
    const at = parseMoment('999999d', NOW) as Date;
    expect(at.toISOString()).to.equal('1970-01-01T00:00:00.000Z');
    expect(parseMoment(at.toISOString(), NOW)).to.deep.equal(at);
  });

  it('reads an empty text as no moment', () => {
    expect(parseMoment('', NOW)).to.equal(undefined);
  });

  for (const text of ['yesterday', '2026-13-01', '2026-11-28 25:00', '-2h', '2w', '1'.repeat(50), '<b>'])
    it(`tells the rule that ${text.slice(0, 20)} breaks`, () => {
      expect(parseMoment(text, NOW)).to.include('must be a time such as');
    });
});
