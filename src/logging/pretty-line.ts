const COLOURS: Readonly<Record<string, string>> = { warn: '\x1b[33m', error: '\x1b[31m', fatal: '\x1b[31m' };
const DIM = '\x1b[2m';
const RESET = '\x1b[0m';

/** Returns a JSON log line in its form for a terminal: time, level and message, then the other fields dimmed. */
export function prettyLine(json: string): string {
  const {
    level,
    time,
    msg,
    instance: _instance,
    err,
    ...fields
  } = JSON.parse(json) as Record<string, unknown>;
  const label = String(level);
  const clock = new Date(String(time)).toLocaleTimeString('en-GB');
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${plain(value)}`);
  const head = `${DIM}${clock}${RESET} ${COLOURS[label] ?? ''}${label.toUpperCase().padEnd(5)}${RESET} ${String(msg)}`;
  return `${head}${DIM}${rest.join('')}${RESET}\n${errorLines(err)}`;
}

// A control character in a text from outside, such as a collector's, would be an order to the terminal.
function plain(value: unknown): string {
  return typeof value === 'string' && !/\p{Cc}/u.test(value) ? value : escaped(value);
}

function escaped(value: unknown): string {
  // The type of JSON.stringify leaves out that undefined stays undefined.
  const json = (JSON.stringify(value) as string | undefined) ?? 'undefined';
  return json.replaceAll(/[\u007f-\u009f]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
}

function errorLines(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { type, message, stack, cause } = err as Record<string, unknown>;
  const lines = [
    `  ${plain(type)}: ${plain(message)}`,
    ...(typeof stack === 'string' ? stack.split('\n') : []),
  ];
  return `${lines.join('\n')}\n${errorLines(cause)}`;
}
