import { MASK } from '../../domain/redaction/redact.ts';
import { shellQuote } from './shell-quote.ts';

const MAX_NAME_CHARS = 40;

/** Writes texts of a record as words of a shell. */
export interface MaskedWords {
  /**
   * Returns a text as a word in which each masked value is a variable of the shell. `place` gives the variable its name:
   * `SECRET_AUTHORIZATION` for the first one in a header of that name. The command fails while the variable is not set.
   */
  word(text: string, place: string): string;
  /** Returns the names of all variables so far. */
  variables(): readonly string[];
}

/** Makes the writer of the words of one command. */
export function createMaskedWords(): MaskedWords {
  const names = new Set<string>();
  const newName = (place: string): string => {
    const base = `SECRET_${place
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .slice(0, MAX_NAME_CHARS)}`;
    let name = base;
    for (let count = 2; names.has(name); count += 1) name = `${base}_${count}`;
    names.add(name);
    return name;
  };
  return {
    word: (text, place) => {
      const [first = '', ...rest] = text.split(MASK);
      if (rest.length === 0) return shellQuote(first);
      const pieces = rest.map((piece) => `"\${${newName(place)}:?}"${piece === '' ? '' : shellQuote(piece)}`);
      return `${first === '' ? '' : shellQuote(first)}${pieces.join('')}`;
    },
    variables: () => [...names],
  };
}
