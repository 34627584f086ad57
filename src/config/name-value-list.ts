// gRPC refuses other names, and texts under a name that ends with -bin. What the library can't read it ignores silently.
const HEADER = /^\s*(?![\w.-]*-bin\b)[\w.-]+\s*=\s*[!-~][ -~]*$/i;

/**
 * Returns the headers of a list of `name=value`, decoded. The last one of a name wins.
 * @throws RangeError, which shows no value, when an entry has another form
 */
export function parseHeaders(list: string): Readonly<Record<string, string>> {
  const pairs = entriesOf(list, /^[^=%]+=.+$/, HEADER).map((entry) => {
    const at = entry.indexOf('=');
    return [decoded(entry.slice(0, at)).trim(), decoded(entry.slice(at + 1)).trim()] as const;
  });
  return Object.fromEntries(pairs);
}

/**
 * Returns a list of attributes as it is, if each is `name=value`.
 * @throws RangeError, which shows no value, when one has another form
 */
export function checkedAttributes(list: string): string {
  entriesOf(list, /^[^=]+=[^=]*$/, /^\s*\S.{0,254}=.{0,255}$/s);
  return list;
}

function entriesOf(list: string, form: RegExp, decodedForm: RegExp): readonly string[] {
  const entries = list.split(',').filter((entry) => entry.trim() !== '');
  if (entries.every((entry) => form.test(entry) && decodedForm.test(decoded(entry)))) return entries;
  throw new RangeError('must be a list of name=value with commas between them, other characters as %xx');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
