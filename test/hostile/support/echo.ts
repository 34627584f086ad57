type Write = (text: string) => string;

const json: Write = (text) => JSON.stringify(text).slice(1, -1);
const percent: Write = encodeURIComponent;
const xml: Write = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const codes: Write = (text) =>
  text.replace(/[A-Za-z]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
const allPercent: Write = (text) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const form: Write = (text) => percent(text).replaceAll('%20', '+');
const both =
  (outer: Write, inner: Write): Write =>
  (text) =>
    outer(inner(text));

/** The ways in which an endpoint may write a secret into its response. */
const WAYS: readonly Write[] = [
  (text) => text,
  json,
  percent,
  allPercent,
  form,
  xml,
  codes,
  both(json, json),
  both(percent, percent),
  both(json, xml),
  both(json, percent),
  both(percent, json),
];

// Of a body, 4 KiB are recorded. The first secret of these echoes lies across that cut, at another place in each.
const CUTS = Array.from({ length: 12 }, (_, i) => 4_096 - 2 * i);

/** How many different echoes there are. */
export const ECHOES = WAYS.length;

/**
 * Returns a raw response that holds secrets wherever it can: in the reason phrase, in names and values of headers (as
 * UTF-8, so that a client reads them as Latin-1), and in the body. `echo` chooses the way to write them and the cut.
 */
export function rawEcho(secrets: readonly string[], echo: number): Buffer {
  const write = WAYS[echo % WAYS.length] as Write;
  // oxlint-disable-next-line no-control-regex -- control characters are what it is for
  const isClean = (text: string): boolean => !/[\u0000-\u001f\u007f]/.test(text) && text.length < 500;
  const values = secrets.map(write).filter(isClean);
  const names = secrets.filter((secret) => /^[\w-]+$/.test(secret) && secret.length < 100);
  const cut = CUTS[echo % CUTS.length] as number;
  const body = secrets.map((_, i) => write(secrets[(i + echo) % secrets.length] as string)).join(' , ');
  const bytes = Buffer.from(`${'-'.repeat(echo % 3 === 0 ? 0 : cut - 4)}${body}`);
  const lines = [
    `HTTP/1.1 200 ${values[echo % values.length] ?? ''}`,
    ...values.map((value, i) => `x-echo-${i}: ${value}`),
    ...names.map((name, i) => `${name}: ${i}`),
    ...values.slice(0, 2).map((value) => `location: /${value}`),
    `content-type: text/plain; x=${names[0]}`,
    `content-length: ${bytes.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}
