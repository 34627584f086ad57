import { status } from '@grpc/grpc-js';
import type { Reason, StatusName } from '../errors.ts';
import { REASONS } from '../errors.ts';
import type { ErrorReason } from '../gen/index.callhooks.v1.ts';

type ValueName = Exclude<keyof typeof ErrorReason, 'UNRECOGNIZED' | 'ERROR_REASON_UNSPECIFIED'>;
type WithoutPrefix<Name> = Name extends `ERROR_REASON_${infer Rest}` ? Rest : never;
type Missing<From, In> = Exclude<From, In> extends never ? true : Exclude<From, In>;

/** Does not compile when a reason lacks its value in the proto enum `ErrorReason`, or a value its reason. */
export const REASONS_AGREE: {
  readonly everyReasonIsInTheProto: Missing<Reason, WithoutPrefix<ValueName>>;
  readonly everyProtoValueIsAReason: Missing<WithoutPrefix<ValueName>, Reason>;
} = { everyReasonIsInTheProto: true, everyProtoValueIsAReason: true };

/** The number of the gRPC status code that belongs to a reason. */
export const codeOf = (reason: Reason): status => status[REASONS[reason] satisfies StatusName];
