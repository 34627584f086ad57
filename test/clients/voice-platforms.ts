import { join } from 'node:path';
import { runProgram, type ProgramEnd } from './programs.ts';
import { pathWithTools, TOOLS } from './tools.ts';

const EXAMPLES = join(import.meta.dirname, '../../examples');
/** A first build compiles gRPC, or loads it from a registry. */
const BUILD_MS = 300_000;

/** An example of a voice platform: how it is built and run, with the tools that it needs. */
export interface VoicePlatform {
  readonly tools: readonly (keyof typeof TOOLS)[];
  /** Checks and builds the program, and runs its own tests. */
  build?(): Promise<ProgramEnd>;
  /** Takes one call. */
  run(args: readonly string[], env: Readonly<Record<string, string>>): Promise<ProgramEnd>;
}

function goPlatform(): VoicePlatform {
  const program = join(EXAMPLES, '../.cache/examples/voiceplatform');
  const options = {
    cwd: join(EXAMPLES, 'go'),
    env: { ...process.env, PATH: `${pathWithTools()}:/usr/local/go/bin`, GOFLAGS: '' },
    timeout: BUILD_MS,
  };
  const build = async (): Promise<ProgramEnd> => {
    const vetted = await runProgram('go', ['vet', '.'], options);
    if (vetted.exitCode !== 0) return vetted;
    return runProgram('go', ['build', '-buildvcs=false', '-o', program, '.'], options);
  };
  return { tools: ['protoc-gen-go'], build, run: (args, env) => runProgram(program, args, { env }) };
}

function javaPlatform(): VoicePlatform {
  const cwd = join(EXAMPLES, 'java');
  // Short programs need no optimizing compiler.
  const brief = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  const env = { ...process.env, MAVEN_OPTS: brief.join(' ') };
  return {
    tools: ['protoc-gen-grpc-java'],
    build: () => runProgram('mvn', ['--quiet', '--batch-mode', 'package'], { cwd, env, timeout: BUILD_MS }),
    run: (args, env) =>
      runProgram('java', [...brief, '-jar', join(cwd, 'target/voiceplatform.jar'), ...args], { env }),
  };
}

function pythonPlatform(): VoicePlatform {
  const python = join(TOOLS['newest python'], '../bin/python');
  const client = join(EXAMPLES, '../clients/python');
  const env = { PYTHONPATH: join(client, 'src'), PYTHONDONTWRITEBYTECODE: '1' };
  const program = join(EXAMPLES, 'python/voice_platform.py');
  const mypy = ['-m', 'mypy', '--strict', '--cache-dir=/dev/null', `--config-file=${client}/pyproject.toml`];
  return {
    tools: ['newest python'],
    build: () => runProgram(python, [...mypy, program], { cwd: client, timeout: BUILD_MS }),
    run: (args, more) => runProgram(python, [program, ...args], { env: { ...env, ...more } }),
  };
}

/** It takes the client from dist/, as the npm package has it. `make check` checks its types. */
function typescriptPlatform(): VoicePlatform {
  const program = join(EXAMPLES, 'typescript/voice-platform.ts');
  return { tools: [], run: (args, env) => runProgram(process.execPath, [program, ...args], { env }) };
}

/** The examples by language. */
export const VOICE_PLATFORMS: Readonly<Record<string, VoicePlatform>> = {
  Go: goPlatform(),
  Java: javaPlatform(),
  Python: pythonPlatform(),
  TypeScript: typescriptPlatform(),
};
