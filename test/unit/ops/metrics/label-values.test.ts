import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { FAILURES, type FailureCode } from '../../../../src/domain/failures.ts';
import * as pb from '../../../../src/gen/index.callhooks.v1.ts';
import type { AccessRefusal } from '../../../../src/access/access-control.ts';
import type { ArrivalLimit } from '../../../../src/grpc/limits/refusals.ts';
import {
  ERROR_REASONS,
  FAILURE_CODES,
  GRPC_CODES,
  HTTP_ERROR_TYPES,
  HTTP_STATUSES,
  OTHER,
  RPC_METHODS,
  statusLabel,
} from '../../../../src/ops/metrics/label-values.ts';
import { METRIC_LIST } from '../../../support/metric-list.ts';

const valuesOf = (name: string, label: string): readonly string[] =>
  METRIC_LIST.find((metric) => metric.name === name)?.labels[label] ?? [];

// These do not compile when the type has other members.
const LIMITS: Readonly<Record<ArrivalLimit, true>> = {
  ...{ calls_waiting: true, write_queue_age: true, rpcs_per_connection: true, message_bytes: true },
  ...{ message_time: true, message_size: true },
};
const REFUSALS: Readonly<Record<AccessRefusal, true>> = {
  no_token: true,
  unknown_token: true,
  role_not_allowed: true,
};

describe('the values of labels', () => {
  it('have every RPC of the API, and those of health and reflection', () => {
    const services = [
      ...[pb.CallLifecycleService, pb.AgentAdminService, pb.WebhookAdminService, pb.ExecutionLogService],
    ];
    const own = services.flatMap((service) => Object.values(service).map(({ path }) => path.slice(1)));
    expect(RPC_METHODS.filter((method) => method.startsWith('callhooks.'))).to.have.members(own);
    expect(RPC_METHODS.filter((method) => !method.startsWith('callhooks.'))).to.deep.equal([
      ...['Check', 'List', 'Watch'].map((name) => `grpc.health.v1.Health/${name}`),
      'grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      'grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    ]);
  });

  it('have every gRPC status code at its number', () => {
    expect(GRPC_CODES.map((name) => status[name as keyof typeof status])).to.deep.equal(
      GRPC_CODES.map((_, code) => code),
    );
    expect(status[GRPC_CODES.length]).to.equal(undefined);
  });

  it('have every reason of the API', () => {
    const inProto = Object.keys(pb.ErrorReason).flatMap(
      (name) => /^ERROR_REASON_(.*)$/.exec(name)?.[1] ?? [],
    );
    expect(ERROR_REASONS).to.have.members(inProto.filter((name) => name !== 'UNSPECIFIED'));
  });

  it('have every failure code, and for HTTP those that the HTTP client can set', () => {
    expect(FAILURE_CODES).to.have.members(Object.keys(FAILURES));
    const ofClient = (Object.keys(FAILURES) as FailureCode[]).filter((code) =>
      /HTTP client|any part/.test(FAILURES[code].setBy),
    );
    expect(HTTP_ERROR_TYPES).to.have.members(['', ...ofClient.map((code) => code.toLowerCase()), OTHER]);
  });

  it('have every limit and every refusal of access', () => {
    expect(valuesOf('callhooks_calls_refused_total', 'limit')).to.have.members(Object.keys(LIMITS));
    expect(valuesOf('callhooks_access_refused_total', 'refusal')).to.have.members(Object.keys(REFUSALS));
  });

  it('have a value for every status: itself if it is registered, its class if it is not', () => {
    for (let code = 0; code < 1_100; code += 1) expect(HTTP_STATUSES).to.include(statusLabel(code));
    const labels = [undefined, 200, 299, 418, 499, 522, 567, 599, 99, 600, 999].map(statusLabel);
    expect(labels).to.deep.equal(['', '200', '2xx', '418', '4xx', '522', '5xx', '5xx', '', '', '']);
  });
});
