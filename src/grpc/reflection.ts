import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { FILE_DESCRIPTORS } from '../gen/descriptors.ts';

/**
 * Adds reflection, v1 and v1alpha, of all services and of the types in error details. It is given the compiler's own
 * descriptors: those that proto-loader makes are wrong for files with imports and maps (grpc-node issues 3018 and 3034).
 */
export function addReflection(server: Server): void {
  const fileDescriptorProtos = Object.values(FILE_DESCRIPTORS).map((base64) => Buffer.from(base64, 'base64'));
  // The package is only looked through for these bytes.
  const files = { files: { fileDescriptorProtos } } as unknown as PackageDefinition;
  new ReflectionService(files).addToServer(server);
}
