const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const AGO = /^(\d{1,6}) ?([smhd])(?: ago)?$/;
const TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|UTC|[-+]\d{2}:\d{2})?)?$/i;

/**
 * Returns the moment that a text means: a time such as `2026-11-28 12:00`, which is UTC unless it says otherwise, or a time
 * ago such as `2h`. Returns undefined for an empty text, and the rule that any other text breaks.
 */
export function parseMoment(text: string, nowMs: number): Date | undefined | string {
  if (text === '') return undefined;
  const [, count, unit = ''] = AGO.exec(text) ?? [];
  // Before 1970 there is nothing, and years before 0 are written in another form.
  if (count !== undefined) return new Date(Math.max(0, nowMs - Number(count) * (UNITS[unit] ?? 0)));
  const [, day, time = '00:00', zone = 'Z'] = TIME.exec(text) ?? [];
  const at = new Date(`${day}T${time}${zone.toUpperCase().replace('UTC', 'Z')}`);
  return Number.isNaN(at.getTime())
    ? 'must be a time such as 2026-11-28 12:00 (UTC), or a time ago such as 2h'
    : at;
}
