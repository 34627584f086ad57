import type { HttpHeader, RequestRecord } from '../../gen/index.callhooks.v1.ts';
import { bytesText, countText } from '../words.ts';
import { createMaskedWords, type MaskedWords } from './masked-words.ts';

// RFC 9110, 5.6.2. curl reads a file for a header that begins with `@`, which is no such character.
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// curl writes these itself, as they fit to what it sends.
const OWN_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'accept-encoding']);

const MAX_NAMED = 8;

/**
 * Returns a recorded request as a curl command for a POSIX shell. Masked values (`••••••`) are variables of the shell, such as
 * `SECRET_AUTHORIZATION`, and a comment names them. What the record does not have is said in a comment, too. A comment holds
 * no text of the record.
 */
export function asCurl(request: RequestRecord): string {
  const { method, url, headers, body } = request;
  const words = createMaskedWords();
  const sent = headers.filter(isSendable);
  const options = [
    `--url ${words.word(url, 'URL')}`,
    ...sent.map((header) => headerOption(header, words)),
    ...(names(headers).has('accept-encoding') ? ['--compressed'] : []),
    ...bodyOptions(request, words),
  ];
  const command = `curl -i -g${method === 'GET' && body === '' ? '' : ` -X ${words.word(method, 'METHOD')}`}`;
  return [
    ...variableComments(words.variables()),
    ...headerComments(headers.filter((header) => !isOwn(header)).length - sent.length),
    ...bodyComments(request),
    [command, ...options].join(' \\\n  '),
  ].join('\n');
}

function names(headers: readonly HttpHeader[]): ReadonlySet<string> {
  return new Set(headers.map(({ name }) => name.toLowerCase()));
}

function isOwn({ name }: HttpHeader): boolean {
  return OWN_HEADERS.has(name.toLowerCase());
}

function isSendable(header: HttpHeader): boolean {
  return !isOwn(header) && TOKEN.test(header.name) && !/[\r\n\0]/.test(header.value);
}

// curl leaves out a header without a value, unless a semicolon stands behind its name.
function headerOption({ name, value }: HttpHeader, words: MaskedWords): string {
  return `-H ${words.word(value === '' ? `${name};` : `${name}: ${value}`, name)}`;
}

function bodyOptions({ headers, body }: RequestRecord, words: MaskedWords): string[] {
  if (body === '') return [];
  // curl would say that the body is that of a form.
  const type = names(headers).has('content-type') ? [] : ["-H 'content-type:'"];
  return [...type, `--data-raw ${words.word(body, 'BODY')}`];
}

function variableComments(variables: readonly string[]): string[] {
  if (variables.length === 0) return [];
  const more = variables.length - MAX_NAMED;
  const list = variables.slice(0, MAX_NAMED).join(', ') + (more > 0 ? `, and ${more} more` : '');
  return [`# The record masks secrets. Set these variables first: ${list}`];
}

function headerComments(count: number): string[] {
  return count === 0 ? [] : [`# ${countText(count, 'header')} of the record can not be sent by curl.`];
}

function bodyComments({ body, bodyBinary, bodySize, truncated }: RequestRecord): string[] {
  if (bodyBinary) return [`# The body is not text, and not on record: ${bytesText(bodySize)}.`];
  if (body === '') return bodySize === 0n ? [] : [`# The body is not on record: ${bytesText(bodySize)}.`];
  const notes: string[] = [];
  if (truncated)
    notes.push(
      `# The record of the body is cut: ${bytesText(Buffer.byteLength(body))} of ${bytesText(bodySize)}.`,
    );
  if (body.includes('\0')) notes.push('# The body had zero bytes, which a command can not have.');
  return notes;
}
