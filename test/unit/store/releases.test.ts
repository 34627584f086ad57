import { expect } from 'chai';
import { compareReleases } from '../../../src/store/releases.ts';
import { VERSION } from '../../../src/version.ts';

// Each is older than the next; the part with alpha, beta and rc is the sample of semver.org.
const ORDERED = [
  '0.1.0-rc.1',
  '0.1.0',
  '0.1.2',
  '0.1.10',
  '0.2.0',
  '0.9.1',
  '0.10.0',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '2.0.0',
  '10.0.0',
  'whatever a later release writes',
];

describe('the order of releases', () => {
  it('is that of Semantic Versioning for every pair of releases', () => {
    for (const [at, release] of ORDERED.entries())
      for (const [otherAt, other] of ORDERED.entries())
        expect(Math.sign(compareReleases(release, other)), `${release} and ${other}`).to.equal(
          Math.sign(at - otherAt),
        );
  });

  it('ignores what a build adds', () => {
    expect(compareReleases('1.0.0+linux', '1.0.0+darwin.7')).to.equal(0);
  });

  it('knows the version of this release', () => {
    expect(compareReleases(VERSION, 'no version')).to.be.below(0);
  });
});
