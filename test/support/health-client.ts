import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';

/** Creates a client of the health service on this port of 127.0.0.1. */
export function healthClient(port: number) {
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String })) as never;
  const { Health } = (
    loaded as Record<string, Record<string, Record<string, Record<string, ServiceClientConstructor>>>>
  )['grpc']!['health']!['v1']!;
  const client = new Health!(`127.0.0.1:${port}`, credentials.createInsecure());
  const check = (service: string): Promise<string> =>
    new Promise((resolve, reject) => {
      client['Check']!.call(client, { service }, (error: Error | null, answer: { status: string }) =>
        error ? reject(error) : resolve(answer.status),
      );
    });
  const watch = (service: string) => client['Watch']!.call(client, { service });
  return { check, watch, [Symbol.dispose]: () => client.close() };
}
