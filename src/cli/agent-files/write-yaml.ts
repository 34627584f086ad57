import { Document, isScalar, Scalar, visit, type YAMLMap } from 'yaml';
import type { JsonValue } from '../../domain/json.ts';

/**
 * Returns a JSON value as YAML 1.2 in block style, which `readYaml` reads back as the same value. A text of several
 * lines is a `|` block. What YAML 1.1 would read as no text is in quotes, and a map under `env` or `file` alone is written
 * in one line.
 */
export function writeYaml(value: JsonValue): string {
  const document = new Document(value, {
    version: '1.2',
    schema: 'core',
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false,
  });
  visit(document, {
    Scalar: (_, node) => {
      styleScalar(node);
    },
    Map: (_, node) => void (node.flow = node.items.length === 0 || isSource(node)),
    Seq: (_, node) => void (node.flow = node.items.length === 0),
  });
  return document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity });
}

const MULTI_LINE = /\n/;
// Only these come back from a `|` block as they are: no tabs or blanks at the ends of lines, no other line breaks.
const FITS_BLOCK = /^(?![ \t\n])(?:[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\ufeff]|\n|\t)*$/u;
const BLANK_END = /[ \t](?:\n|$)/;

function styleScalar(node: Scalar): void {
  const { value } = node;
  // An integer literal of so many digits would be refused, because most of them lose some.
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) node.format = 'EXP';
  if (typeof value !== 'string') return;
  const isBlock = MULTI_LINE.test(value) && FITS_BLOCK.test(value) && !BLANK_END.test(value);
  if (!isBlock && /[\p{C}]|[\p{Z}--[ ]]/v.test(value)) node.type = Scalar.QUOTE_DOUBLE;
  else if (isBlock) node.type = Scalar.BLOCK_LITERAL;
}

function isSource({ items: [entry, ...more] }: YAMLMap): boolean {
  if (entry === undefined || more.length > 0 || !isScalar(entry.key) || !isScalar(entry.value)) return false;
  const { value } = entry.value;
  return (
    (entry.key.value === 'env' || entry.key.value === 'file') &&
    typeof value === 'string' &&
    value.length < 80
  );
}
