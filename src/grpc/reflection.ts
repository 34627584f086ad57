import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { FILE_DESCRIPTORS } from '../gen/descriptors.ts';

/**
 * Adds reflection, v1 and v1alpha, of all services and of the types in error details. It serves the descriptors of the
 * proto compiler, because proto-loader makes wrong ones for files with imports and maps (grpc-node issues 3018 and 3034).
 */
export function addReflection(server: Server): void {
  const fileDescriptorProtos = Object.values(FILE_DESCRIPTORS).map((base64) => Buffer.from(base64, 'base64'));
  // ReflectionService reads nothing else of the package than these bytes.
  const files = { files: { fileDescriptorProtos } } as unknown as PackageDefinition;
  new ReflectionService(files).addToServer(server);
}
