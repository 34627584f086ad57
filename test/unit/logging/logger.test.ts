import { expect } from 'chai';
import fc from 'fast-check';
import { CallhooksError, DatabaseError } from '../../../src/errors.ts';
import { createLogger, REDACTED_FIELDS, type Logger, type LogLevel } from '../../../src/logger.ts';

const written = (
  act: (logger: Logger) => void,
  options: { pretty?: boolean; level?: LogLevel } = {},
): string[] => {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  act(
    createLogger({
      level: options.level ?? 'info',
      instance: 'pod-7',
      pretty: options.pretty ?? false,
      destination,
    }),
  );
  return lines;
};
const eventOf = (act: (logger: Logger) => void): Record<string, unknown> =>
  JSON.parse(written(act)[0] ?? '{}') as Record<string, unknown>;

/** The fields that each line has besides those of its event. */
const OWN = ['level', 'time', 'instance', 'msg', 'err'];
const REDACTED: readonly string[] = REDACTED_FIELDS;

function withoutRedacted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
    return value;
  const kept = Object.entries(value).filter(([name]) => !REDACTED.includes(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutRedacted(inner)]));
}

const onEachLevel = (logger: Logger): void => {
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.warn({}, 'c');
  logger.error({}, 'd');
};

describe('createLogger', () => {
  it('writes one JSON line for each event, with its time, level and instance', () => {
    const lines = written((logger) => logger.info({ agent_uuid: 'a', note: 'two\nlines' }, 'execution'));
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^\{[^\n]*\}\n$/);
    const { time, ...rest } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(time).to.match(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(rest).to.deep.equal({
      level: 'info',
      instance: 'pod-7',
      agent_uuid: 'a',
      note: 'two\nlines',
      msg: 'execution',
    });
  });

  it('leaves out events below the minimum level', () => {
    expect(written(onEachLevel, { level: 'warn' })).to.have.length(2);
    expect(written(onEachLevel, { level: 'silent' })).to.have.length(0);
  });

  it('writes the fields as JSON.stringify does, without the redacted ones', () => {
    const key = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...REDACTED_FIELDS));
    const fieldsOf = (value: fc.Arbitrary<unknown>) =>
      fc.dictionary(key, value).filter((fields) => OWN.every((name) => !(name in fields)));
    const flat = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.boolean(),
      fc.constantFrom(null, undefined),
    );
    const nested = fc.oneof(flat, fc.array(flat), fc.dictionary(key, flat), fc.date());
    fc.assert(
      fc.property(
        fc.oneof(fieldsOf(flat), fieldsOf(nested)),
        fc.string({ unit: 'binary' }),
        (fields, message) => {
          const [line = ''] = written((logger) => logger.info(fields, message));
          const { level, time, instance, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
          expect([level, instance, msg]).to.deep.equal(['info', 'pod-7', message]);
          expect(new Date(String(time)).toISOString()).to.equal(time);
          expect(rest).to.deep.equal(JSON.parse(JSON.stringify(withoutRedacted(fields))));
          expect(line.indexOf('\n')).to.equal(line.length - 1);
        },
      ),
    );
  });

  it('writes a line for fields that JSON can not express', () => {
    const round: Record<string, unknown> = {};
    round['round'] = round;
    const throwing = {
      get value() {
        throw new Error('no');
      },
    };
    for (const fields of [round, { n: 1n }, { list: [1n] }, { throwing }, throwing, { act: () => 1 }, {}])
      expect(eventOf((logger) => logger.info(fields, 'x'))).to.include({ level: 'info', msg: 'x' });
    expect(eventOf((logger) => logger.info({ n: 1n }, 'x'))).to.include({ n: '1' });
  });

  it('writes only the type of a thrown value that is not an error', () => {
    expect(eventOf((logger) => logger.error({ err: 'hunter2' }, 'x'))['err']).to.deep.equal({
      type: 'string',
    });
    expect(eventOf((logger) => logger.error({ err: { x: 'hunter2' } }, 'x'))['err']).to.deep.equal({
      type: 'object',
    });
    expect(eventOf((logger) => logger.error({ err: undefined }, 'x'))).not.to.have.property('err');
  });

  it('writes an error in any field without its extra properties', () => {
    const line = written((logger) =>
      logger.info({ why: Object.assign(new Error('m'), { sqlMessage: 'hunter2' }) }, 'x'),
    );
    expect(JSON.parse(line[0] ?? '')).to.have.nested.property('why.message', 'm');
    expect(line[0]).not.to.contain('hunter2');
  });

  for (const name of REDACTED_FIELDS) {
    it(`drops the field ${name}, at the top and one level below`, () => {
      const text = written((logger) =>
        logger.info({ [name]: 'hunter2', request: { [name]: 'hunter2' } }, 'x'),
      ).join('');
      expect(text).not.to.contain('hunter2');
    });
  }

  it('writes an error with its type, message, stack and causes', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const { err } = eventOf((logger) => logger.error({ err: new DatabaseError('away', cause) }, 'x')) as {
      err: { cause: { stack: string } };
    };
    expect(err).to.deep.include({ type: 'DatabaseError', message: 'database: away', kind: 'away' });
    expect(err.cause).to.deep.include({
      type: 'Error',
      message: 'connect ECONNREFUSED',
      code: 'ECONNREFUSED',
    });
    expect(err.cause.stack).to.match(/^\s+at .*logger\.test/);
  });

  const leaks: [string, Error][] = [
    [
      'the statement and values of a driver',
      Object.assign(new Error('failed'), {
        sql: "INSERT 'hunter2'",
        bindings: ['hunter2'],
        sqlMessage: 'hunter2',
      }),
    ],
    [
      'a duplicate value',
      new Error("insert into `x` values (?) - Duplicate entry 'hunter2' for key 'PRIMARY'"),
    ],
    [
      'a value that does not fit',
      new Error("Incorrect string value: 'hunter2\\' more' for column 'a' at row 1"),
    ],
    ['details', Object.assign(new CallhooksError('AGENT_EXISTS', 'x'), { details: { resource: 'hunter2' } })],
    [
      'the same in a cause',
      new Error('outer', { cause: new Error("Duplicate entry 'hunter2' for key 'PRIMARY'") }),
    ],
  ];
  for (const [title, err] of leaks) {
    it(`leaves ${title} out of an error`, () => {
      expect(written((logger) => logger.error({ err }, 'x')).join('')).not.to.contain('hunter2');
    });
  }

  it('writes one line for an error that is its own cause', () => {
    const err = new Error('round');
    err.cause = err;
    expect(written((logger) => logger.error({ err }, 'x'))).to.have.length(1);
  });

  it('writes a short coloured line for a terminal', () => {
    const fields = { outcome: 'failed', total_ms: 12, err: new Error('why') };
    const [line = ''] = written((logger) => logger.warn(fields, 'execution'), { pretty: true });
    // oxlint-disable-next-line no-control-regex -- the colours are control characters
    const plain = line.replaceAll(/\x1b\[\d+m/g, '');
    expect(plain).to.match(
      /^\d\d:\d\d:\d\d WARN {2}execution outcome=failed total_ms=12\n {2}Error: why\n\s+at /,
    );
  });

  it('writes an error that is no Error to a terminal', () => {
    const [line = ''] = written((logger) => logger.warn({ err: 'text' }, 'execution'), { pretty: true });
    expect(line).to.include('  string: undefined');
  });

  it('escapes control characters of texts on a terminal', () => {
    const fields = { reason: '\u001b]0;owned\u0007', other: 'a\u009bb', err: new Error('\u001b[2J') };
    const [line = ''] = written((logger) => logger.warn(fields, 'execution'), { pretty: true });
    expect(line).to.include(String.raw`reason="\u001b]0;owned\u0007" other="a\u009bb"`);
    expect(line).to.include(String.raw`Error: "\u001b[2J"`);
  });
});
