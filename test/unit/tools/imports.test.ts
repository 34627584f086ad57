import { expect } from 'chai';
import { checkImports, ROOMS, withoutComments } from '../../../scripts/check-imports.ts';

const REFUSED: [title: string, path: string, source: string, complaint: RegExp][] = [
  [
    'domain knowing the store',
    'domain/x.ts',
    "import { a } from '../store/a.ts';",
    /domain\/ must not import store\/a/,
  ],
  [
    'domain knowing it as a type',
    'domain/x.ts',
    "import type { A } from '../store/types.ts';",
    /must not import/,
  ],
  ['domain with Node.js', 'domain/x.ts', "import { readFileSync } from 'node:fs';", /no Node.js here/],
  ['domain with a library', 'domain/x.ts', "import { z } from 'zod';", /domain\/ must not import zod/],
  [
    'errors importing anything',
    'errors.ts',
    "import { a } from './domain/types.ts';",
    /must not import domain/,
  ],
  ['a command with gRPC', 'commands/x.ts', "import { status } from '@grpc/grpc-js';", /lives in grpc\//],
  [
    'a command up to grpc/',
    'commands/x.ts',
    "import { a } from '../grpc/a.ts';",
    /commands\/ must not import grpc/,
  ],
  ['a command opening a store', 'commands/x.ts', "import { a } from '../store/a.ts';", /as types only/],
  [
    'a command sending by itself',
    'commands/x.ts',
    "import { a, type B } from '../http/a.ts';",
    /as types only/,
  ],
  [
    'the engine up to commands/',
    'engine/x.ts',
    "import type { A } from '../commands/a.ts';",
    /must not import/,
  ],
  ['the engine with a store', 'engine/x.ts', "export { a } from '../store/a.ts';", /as types only/],
  [
    'http/ knowing the store',
    'http/x.ts',
    "import { a } from '../store/a.ts';",
    /http\/ must not import store/,
  ],
  ['http/ running domain code', 'http/x.ts', "import { a } from '../domain/a.ts';", /as types only/],
  ['the store calling out', 'store/x.ts', "import { request } from 'undici';", /undici \(it lives in http\//],
  ['the store with commands', 'store/x.ts', "import type { A } from '../commands/a.ts';", /must not import/],
  ['grpc/ with the database', 'grpc/x.ts', "import knex from 'knex';", /grpc\/ must not import knex/],
  ['grpc/ deep in a folder', 'grpc/services/x.ts', "import { a } from '../../store/a.ts';", /as types only/],
  ['crypto outside its room', 'http/x.ts', "import { createHmac } from 'node:crypto';", /node:crypto/],
  ['child processes', 'ops/x.ts', "import { spawn } from 'node:child_process';", /node:child_process/],
  ['the process outside main', 'ops/x.ts', "import process from 'node:process';", /lives in main.ts/],
  ['an unknown library', 'http/x.ts', "import axios from 'axios';", /axios is in no room/],
  ['a path inside a library', 'ops/x.ts', "import a from 'knex/lib/a.js';", /must not import knex/],
  ['dns.lookup', 'http/x.ts', "import { lookup } from 'node:dns/promises';", /four threads/],
  ['a file in no room', 'utils/x.ts', '', /is in no room/],
  [
    'an import over many lines',
    'engine/x.ts',
    "import {\n  a,\n  b,\n} from '../store/a.ts';",
    /x.ts:4: .*types only/,
  ],
  ['an import when it runs', 'domain/x.ts', "const a = await import('../store/a.ts');", /must not import/],
  ['an import for its effects', 'domain/x.ts', "import '../store/a.ts';", /must not import/],
  ['everything handed on', 'domain/x.ts', "export * from '../store/a.ts';", /must not import/],
  ['an import behind a comment', 'errors.ts', "/* a */ import a from './logger.ts';", /must not import/],
];

const ALLOWED: [title: string, path: string, source: string][] = [
  ['downward', 'grpc/x.ts', "import { a } from '../commands/a.ts';"],
  ['within the room', 'grpc/services/x.ts', "import { a } from '../unary.ts';"],
  ['a store as a type', 'commands/x.ts', "import type { A } from '../store/types.ts';"],
  ['types alone in braces', 'commands/x.ts', "import { type A, type B } from '../store/types.ts';"],
  ['a type of an import', 'engine/x.ts', "type A = typeof import('../store/a.ts');"],
  ['the words of the domain', 'http/x.ts', "import { MASK } from '../domain/types.ts';"],
  ['a library at home', 'http/x.ts', "import { Agent } from 'undici';"],
  ['a resolver', 'http/x.ts', "import { Resolver } from 'node:dns';"],
  ['ordinary Node.js', 'store/x.ts', "import { join } from 'node:path';"],
  ['migrations', 'store/x.ts', "import { MIGRATIONS } from '../../migrations/index.ts';"],
  ['what a comment says', 'domain/x.ts', "// import { a } from '../store/a.ts';\n/*\nimport 'knex';\n*/"],
  ['exported types that are texts', 'domain/x.ts', "export type State = 'a' | 'b';\nexport const A = 'c';"],
];

describe('the house plan', () => {
  for (const [title, path, source, complaint] of REFUSED) {
    it(`refuses ${title}`, () => {
      const problems = checkImports(path, `${source}\n`);
      expect(problems).to.have.length(1);
      expect(problems[0]).to.match(complaint);
    });
  }

  for (const [title, path, source] of ALLOWED) {
    it(`allows ${title}`, () => {
      expect(checkImports(path, `${source}\n`)).to.deep.equal([]);
    });
  }

  it('names every problem of a file with its line', () => {
    const source = "import a from 'knex';\n\nimport b from 'undici';\n";
    expect(checkImports('domain/x.ts', source).map((problem) => problem.split(' ')[0])).to.deep.equal([
      'domain/x.ts:1:',
      'domain/x.ts:3:',
    ]);
  });

  it('has no way back up', () => {
    const order = ['main.ts', 'app.ts', 'grpc/', 'commands/', 'engine/', 'domain/', 'errors.ts'];
    for (const [index, room] of order.entries()) {
      const { uses = [], types = [] } = ROOMS[room] ?? {};
      const above = order.slice(0, index);
      expect([...uses, ...types].filter((place) => above.includes(place))).to.deep.equal([]);
    }
  });

  it('keeps strings that look like comments', () => {
    const source = "const url = 'http://a'; // gone";
    expect(withoutComments(source)).to.equal("const url = 'http://a';        ");
  });
});
