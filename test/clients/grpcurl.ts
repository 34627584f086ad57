import { runProgram, type ProgramEnd } from './programs.ts';
import { TOOLS } from './tools.ts';

/** JSON as grpcurl prints it. */
export interface Json {
  readonly [name: string]: JsonValue;
}
type JsonValue = string | number | boolean | null | Json | readonly JsonValue[];

/** A grpcurl for one server, which knows only what the server's reflection says. */
export interface Grpcurl {
  /** The full names of the methods that were called. */
  readonly called: ReadonlySet<string>;
  list(...service: readonly string[]): Promise<readonly string[]>;
  describe(symbol: string): Promise<string>;
  /** Calls `Service/Method` of callhooks.v1. Returns the reply; throws when the RPC fails. */
  call(method: string, request: object | string): Promise<Json>;
  /** Calls a method. Returns what grpcurl prints about the error; throws when the RPC succeeds. */
  fail(method: string, request: object | string, ...flags: readonly string[]): Promise<string>;
  /** Calls a method with a stream of replies, which ends after so many seconds. Returns the replies. */
  watch(method: string, request: object, seconds: number): Promise<readonly Json[]>;
}

/** Creates a grpcurl for the server at this address. It speaks plaintext unless flags say otherwise. */
export function createGrpcurl(address: string, channelFlags: readonly string[] = ['-plaintext']): Grpcurl {
  const called = new Set<string>();
  const run = (args: readonly string[], input?: string) =>
    runProgram(TOOLS.grpcurl, [...channelFlags, ...args], input === undefined ? {} : { input });
  const print = async (...args: readonly string[]): Promise<string> => (await succeeded(run(args))).stdout;
  const invoke = (method: string, request: object | string, flags: readonly string[] = []) => {
    const name = method.startsWith('grpc.') ? method : `callhooks.v1.${method}`;
    called.add(name.replace('/', '.'));
    const input = typeof request === 'string' ? request : JSON.stringify(request);
    return run(['-max-time', '30', ...flags, '-d', '@', address, name], input);
  };
  return {
    called,
    list: async (...service) => (await print(address, 'list', ...service)).trim().split('\n'),
    describe: (symbol) => print(address, 'describe', symbol),
    call: async (method, request) => JSON.parse((await succeeded(invoke(method, request))).stdout) as Json,
    fail: async (method, request, ...flags) => {
      const { exitCode, stdout, stderr } = await invoke(method, request, flags);
      if (exitCode === 0) throw new Error(`${method} succeeded: ${stdout}`);
      return stderr;
    },
    watch: async (method, request, seconds) => {
      const { stdout, stderr } = await invoke(method, request, ['-max-time', String(seconds)]);
      if (!stderr.includes('DeadlineExceeded')) throw new Error(`the stream ended early: ${stderr}`);
      // Each reply ends with a brace at the start of a line.
      return stdout.split(/(?<=^\})\n/m).flatMap((text) => (text === '' ? [] : [JSON.parse(text) as Json]));
    },
  };
}

async function succeeded(run: Promise<ProgramEnd>): Promise<ProgramEnd> {
  const end = await run;
  if (end.exitCode !== 0) throw new Error(`grpcurl ended with ${end.exitCode}: ${end.stderr}`);
  return end;
}

/** Returns a FieldMask as grpcurl reads it: as a message, not as the string of proto JSON. */
export function maskOf(...paths: readonly string[]) {
  return { paths };
}
