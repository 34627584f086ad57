import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const RUNBOOK = read('docs/runbook.md');
const RULES = read('deploy/prometheus/callhooks.rules.yml');

/** The text without its commands and queries. */
const PROSE = RUNBOOK.replaceAll(/^```[^]*?^```/gm, '');
/** What the text quotes beside log lines. */
const OTHER_QUOTES = ['authorization: Bearer $TOKEN', 'degraded', 'recorded'];

/** Each section with the alert that its heading names. */
const SECTIONS = RUNBOOK.split(/^## /m)
  .filter((section) => section.startsWith('Callhooks'))
  .map((section) => [section.split('\n')[0] ?? '', section] as const);
const HEADINGS = SECTIONS.map(([heading]) => heading);

/** Each alert with its lines in the rules. */
const ALERTS = RULES.split(/^ *- alert: /m)
  .slice(1)
  .map((alert) => [alert.split('\n')[0] ?? '', alert] as const);

describe('docs/runbook.md', () => {
  it('has one section for each alert, in the order of the rules', () => {
    expect(HEADINGS).to.deep.equal(ALERTS.map(([alert]) => alert));
  });

  for (const [alert, section] of SECTIONS) {
    it(`says of ${alert} what it means, what to look at and what to do`, () => {
      expect(section).to.match(/\n\*\*It means\*\* [^]+\n\*\*Look at\*\* [^]+\n\*\*Do\*\* /);
    });
  }

  for (const [alert, rule] of ALERTS) {
    it(`is where ${alert} leads to, which says how bad it is and what to look at first`, () => {
      expect(rule).to.match(/^ *severity: (?:page|ticket)$/m);
      expect(rule).to.match(/^ *summary: '/m);
      expect(rule.replaceAll(/\s+/g, ' ')).to.match(
        /description: >- .*Look first |description: >- .*Put a new /,
      );
      expect(rule).to.match(new RegExp(`^ *runbook_url: docs/runbook.md#${alert.toLowerCase()}$`, 'm'));
    });
  }

  it('links only to sections and pages that exist', () => {
    const links = Array.from(RUNBOOK.matchAll(/\]\(([^)]+)\)/g), ([, link = '']) => link);
    for (const link of links) {
      const [page = '', anchor] = link.split('#');
      const headings = read(join('docs', page === '' ? 'runbook.md' : page))
        .split('\n')
        .filter((line) => line.startsWith('#'))
        .map((line) =>
          line
            .replace(/^#+ /, '')
            .toLowerCase()
            .replaceAll(/[^\w -]/g, '')
            .replaceAll(' ', '-'),
        );
      if (anchor !== undefined) expect(headings, link).to.include(anchor);
    }
  });

  it('names settings that exist', () => {
    const settings = read('docs/config.md');
    for (const name of new Set(RUNBOOK.match(/\bCALLHOOKS_[A-Z_]+/g)))
      expect(settings, name).to.contain(`\`${name}\``);
  });

  it('names failure codes, reasons and policies that exist', () => {
    const texts = ['docs/errors.md', 'docs/execution-states.md', 'docs/config.md', 'docs/tracing.md'].map(
      read,
    );
    for (const [, name = ''] of PROSE.matchAll(/`([A-Z][A-Z_]{2,})`/g))
      expect(
        texts.some((text) => text.includes(name)),
        name,
      ).to.equal(true);
  });

  it('quotes log lines that callhooks writes', () => {
    const quoted = new Set(Array.from(PROSE.matchAll(/"([^"\n]{3,})"/g), ([, text = '']) => text));
    const source = globSync('src/**/*.ts', { cwd: ROOT }).map(read).join('\n');
    const lines = [...quoted].filter((text) => !OTHER_QUOTES.includes(text));
    expect(lines).to.have.length.above(5);
    for (const line of lines) expect(source, line).to.match(new RegExp(`'${line}'`));
  });
});
