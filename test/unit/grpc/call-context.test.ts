import { Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { callingExecutionUuids } from '../../../src/grpc/call-context.ts';

const A = '0198c0de-0000-7000-8000-00000000000a';
const B = '0198c0de-0000-7000-8000-00000000000b';

describe('callingExecutionUuids', () => {
  const rows: [string, [string, string][], string[]][] = [
    ['returns none without headers', [], []],
    ['reads callhooks-execution', [['callhooks-execution', A]], [A]],
    ['reads the member of baggage', [['baggage', `tenant=7,callhooks.execution=${A};ttl=3`]], [A]],
    ['reads a member with blanks around it', [['baggage', ` a = b , callhooks.execution = ${A} ; x `]], [A]],
    [
      'reads both headers and returns each UUID once',
      [
        ['callhooks-execution', A],
        ['baggage', `callhooks.execution=${A},callhooks.execution=${B}`],
      ],
      [A, B],
    ],
    [
      'reads repeated headers',
      [
        ['callhooks-execution', A],
        ['callhooks-execution', B],
      ],
      [A, B],
    ],
    ['reads several values in one header', [['callhooks-execution', `${A}, ${B}`]], [A, B]],
    ['returns UUIDs in lower case', [['callhooks-execution', A.toUpperCase()]], [A]],
    [
      'ignores a value that is not a UUID',
      [
        ['callhooks-execution', 'x'],
        ['baggage', 'callhooks.execution=1'],
      ],
      [],
    ],
    [
      'ignores other members of baggage',
      [['baggage', `x.callhooks.execution=${A},callhooks.executions=${B}`]],
      [],
    ],
  ];
  for (const [title, headers, expected] of rows) {
    it(title, () => {
      const metadata = new Metadata();
      for (const [name, value] of headers) metadata.add(name, value);
      expect(callingExecutionUuids(metadata)).to.deep.equal(expected);
    });
  }

  it('returns at most eight UUIDs', () => {
    const metadata = new Metadata();
    for (let i = 10; i < 60; i += 1) metadata.add('callhooks-execution', A.slice(0, -2) + i);
    expect(callingExecutionUuids(metadata)).to.have.length(8);
  });
});
