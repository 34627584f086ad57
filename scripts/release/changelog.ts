/** A section of CHANGELOG.md. */
interface Section {
  /** `Unreleased`, or a version. */
  readonly name: string;
  /** `2026-11-30`, or undefined where there is none. */
  readonly date: string | undefined;
  readonly text: string;
}

const HEADING = /^## \[([^\]]+)\](?: - (\S+))?$/;

function sectionsOf(changelog: string): readonly Section[] {
  return changelog
    .split(/^(?=## )/m)
    .slice(1)
    .map((part) => {
      const [heading = '', ...lines] = part.split('\n');
      const [, name = heading, date] = HEADING.exec(heading) ?? [];
      return { name, date, text: lines.join('\n').trim() };
    });
}

/** Returns the text of the section of a version, or undefined when it has none. */
export function sectionOf(changelog: string, version: string): string | undefined {
  return sectionsOf(changelog).find(({ name }) => name === version)?.text;
}

/** Returns the versions that have a section. */
export function versionsIn(changelog: string): readonly string[] {
  return sectionsOf(changelog)
    .map(({ name }) => name)
    .filter((name) => name !== 'Unreleased');
}

/**
 * Returns what keeps a changelog from being that of a release: `[Unreleased]` comes first and is empty, and the dated section
 * of the version follows it. `today` is a date such as `2026-11-30`.
 */
export function changelogProblems(changelog: string, version: string, today: string): readonly string[] {
  const [unreleased, released] = sectionsOf(changelog);
  const problems = [];
  if (unreleased?.name !== 'Unreleased') problems.push('CHANGELOG.md does not begin with [Unreleased]');
  else if (unreleased.text !== '')
    problems.push(`CHANGELOG.md: [Unreleased] is not empty: move its lines into [${version}]`);
  if (released?.name !== version)
    problems.push(`CHANGELOG.md has no section "## [${version}] - ${today}" behind [Unreleased]`);
  else if (released.text === '') problems.push(`CHANGELOG.md says nothing about [${version}]`);
  else if (released.date === undefined || !/^\d{4}-\d\d-\d\d$/.test(released.date))
    problems.push(`CHANGELOG.md: [${version}] has no date such as ${today}`);
  else if (released.date > today) problems.push(`CHANGELOG.md: [${version}] is of a later day than ${today}`);
  return problems;
}
