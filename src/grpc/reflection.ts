import type { Server } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { service as healthService } from 'grpc-health-check';
import { FILE_DESCRIPTORS } from '../gen/descriptors.ts';

/**
 * Adds reflection, v1 and v1alpha, of all services and of the types in error details. It is given the compiler's own
 * descriptors: those that proto-loader makes are wrong for files with imports (grpc-node issues 3018 and 3034).
 */
export const addReflection = (server: Server): void => {
  const ours = Object.values(FILE_DESCRIPTORS).map((base64) => Buffer.from(base64, 'base64'));
  const health = Object.values(healthService).flatMap((method) => method.requestType.fileDescriptorProtos);
  const files = { fileDescriptorProtos: [...ours, ...health] };
  new ReflectionService({ files } as unknown as PackageDefinition).addToServer(server);
};
