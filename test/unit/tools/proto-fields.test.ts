/** Which field names the generators of some languages can't use, although protoc and buf take them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const PROTOS = join(import.meta.dirname, '../../../proto/callhooks/v1');

interface Field {
  readonly message: string;
  readonly kind: 'string' | 'repeated' | 'map' | 'other';
  readonly name: string;
}

/** What Java adds to the name of a field for further accessors. A field of that name would have the same ones. */
const SUFFIXES: Readonly<Record<Field['kind'], readonly string[]>> = {
  string: ['_bytes'],
  repeated: ['_list', '_count'],
  map: ['_map', '_count'],
  other: [],
};

function fieldsIn(source: string): Field[] {
  const messages = source.matchAll(/^message (\w+) \{\n(.*?)^\}/gms);
  return Array.from(messages, ([, message = '', body = '']) =>
    Array.from(
      body.matchAll(/^ +((?:optional |repeated )?[\w.]+|map<[^>]*>) (\w+) = \d+/gm),
      ([, type = '', name = '']) => {
        const kind = /^(?:optional )?string$/.test(type)
          ? 'string'
          : (/^repeated|^map/.exec(type)?.[0] ?? 'other');
        return { message, kind: kind as Field['kind'], name };
      },
    ),
  ).flat();
}

/** Returns the fields whose accessors another field of the message has already. */
function collisions(fields: readonly Field[]): string[] {
  const names = new Set(fields.map(({ message, name }) => `${message}.${name}`));
  return fields
    .flatMap(({ message, kind, name }) => SUFFIXES[kind].map((suffix) => `${message}.${name}${suffix}`))
    .filter((name) => names.has(name));
}

describe('The fields of the API', () => {
  const fields = readdirSync(PROTOS).flatMap((name) => fieldsIn(readFileSync(join(PROTOS, name), 'utf8')));

  it('have no names that collide in Java', () => {
    expect(fields.length).to.be.greaterThan(100);
    expect(collisions(fields)).to.deep.equal([]);
  });

  it('are found to collide when one has the accessor of another', () => {
    const source =
      'message A {\n  string body = 1;\n  repeated B bs = 2;\n  int64 body_bytes = 3;\n  int32 bs_count = 4;\n}\n';
    expect(collisions(fieldsIn(source))).to.deep.equal(['A.body_bytes', 'A.bs_count']);
  });
});
