import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ServiceClientConstructor } from '@grpc/grpc-js';
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { FILE_DESCRIPTORS } from '../../src/gen/descriptors.ts';
import { startTestServer } from './test-server.ts';

type Version = 'v1' | 'v1alpha';
interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorCode: number };
}

const main = createRequire(import.meta.url).resolve('@grpc/reflection');
const protos = join(dirname(main), '..', 'proto');

/** Sends one request to the reflection service of a server, as grpcurl does. */
function ask(port: number, version: Version, question: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const file = `grpc/reflection/${version}/reflection.proto`;
    const loaded = loadPackageDefinition(loadSync(file, { includeDirs: [protos], oneofs: true })) as never;
    const { ServerReflection } = (
      loaded as Record<string, Record<string, Record<string, Record<string, ServiceClientConstructor>>>>
    )['grpc']!['reflection']![version]!;
    const client = new ServerReflection!(`127.0.0.1:${port}`, credentials.createInsecure());
    const stream = client['ServerReflectionInfo']!.call(client, { deadline: Date.now() + 10_000 });
    stream.on('data', (answer: Answer) => {
      resolve(answer);
      stream.end();
    });
    stream.on('error', reject);
    stream.on('end', () => client.close());
    stream.write(question);
  });
}

/** Returns the names of the files that a client gets for a symbol, and of all that these files import. */
async function filesFor(port: number, version: Version, symbol: string) {
  const { fileDescriptorResponse } = await ask(port, version, { fileContainingSymbol: symbol });
  const files = (fileDescriptorResponse?.fileDescriptorProto ?? []).map(
    (bytes) =>
      descriptor.FileDescriptorProto.decode(bytes) as unknown as { name: string; dependency: string[] },
  );
  return { names: files.map(({ name }) => name), imports: files.flatMap(({ dependency }) => dependency) };
}

const METHODS = {
  AgentAdmin: ['CreateAgent', 'GetAgent', 'ListAgents', 'UpdateAgent', 'DeleteAgent'],
  WebhookAdmin: [
    'CreateWebhook',
    'GetWebhook',
    'ListWebhooks',
    'UpdateWebhook',
    'DeleteWebhook',
    'TestWebhook',
  ],
  CallLifecycle: ['OnCallStart', 'OnCallEnd'],
  ExecutionLog: ['GetExecution', 'ListExecutions'],
};
const DETAILS = [
  'Status',
  'ErrorInfo',
  'BadRequest',
  'ResourceInfo',
  'PreconditionFailure',
  'RetryInfo',
  'RequestInfo',
];

for (const version of ['v1', 'v1alpha'] as const) {
  describe(`Reflection ${version}`, () => {
    it('lists every service', async () => {
      await using server = await startTestServer({});
      const { listServicesResponse } = await ask(server.port, version, { listServices: '*' });
      expect(listServicesResponse?.service.map(({ name }) => name)).to.have.members([
        ...Object.keys(METHODS).map((name) => `callhooks.v1.${name}`),
        'grpc.health.v1.Health',
      ]);
    });

    it('returns all imported files with every service, message and error detail', async () => {
      await using server = await startTestServer({});
      const symbols = [
        ...Object.entries(METHODS).flatMap(([service, methods]) => [
          `callhooks.v1.${service}`,
          ...methods.flatMap((method) => [
            `callhooks.v1.${service}.${method}`,
            `callhooks.v1.${method}Request`,
            `callhooks.v1.${method}Response`,
          ]),
        ]),
        'callhooks.v1.ErrorReason',
        ...DETAILS.map((name) => `google.rpc.${name}`),
        'grpc.health.v1.Health',
      ];
      for (const symbol of symbols) {
        const { names, imports } = await filesFor(server.port, version, symbol);
        expect(names, symbol).to.have.property('length').above(0);
        expect(names, symbol).to.include.members(imports);
      }
    });

    it('returns every file as the compiler wrote it', async () => {
      await using server = await startTestServer({});
      for (const [name, base64] of Object.entries(FILE_DESCRIPTORS)) {
        const { fileDescriptorResponse } = await ask(server.port, version, { fileByFilename: name });
        const [first] = fileDescriptorResponse?.fileDescriptorProto ?? [];
        expect(first?.toString('base64') === base64, name).to.equal(true);
      }
    });

    it('answers NOT_FOUND for a symbol that does not exist', async () => {
      await using server = await startTestServer({});
      const { errorResponse } = await ask(server.port, version, {
        fileContainingSymbol: 'callhooks.v1.Nothing',
      });
      expect(errorResponse?.errorCode).to.equal(status.NOT_FOUND);
    });

    it('answers UNIMPLEMENTED when it is switched off', async () => {
      await using server = await startTestServer({}, { reflection: false });
      const failed: unknown = await ask(server.port, version, { listServices: '*' }).catch(
        (error: unknown) => error,
      );
      expect(failed).to.include({ code: status.UNIMPLEMENTED });
    });
  });
}

describe('The descriptors', () => {
  it('have the comments of our own files only', () => {
    for (const [name, base64] of Object.entries(FILE_DESCRIPTORS)) {
      const file = descriptor.FileDescriptorProto.decode(Buffer.from(base64, 'base64'));
      const hasComments = Object.hasOwn(file, 'sourceCodeInfo');
      expect(hasComments, name).to.equal(name.startsWith('callhooks/'));
    }
  });
});
