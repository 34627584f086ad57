import { readFileSync } from 'node:fs';
import { service as health } from 'grpc-health-check';
import { expect } from 'chai';
import { ROLES } from '../../../src/access/roles.ts';
import * as generated from '../../../src/gen/index.callhooks.v1.ts';

type Table = Record<string, readonly string[]>;

const file = new URL('../../../src/access/authorization.json', import.meta.url);
const table = JSON.parse(readFileSync(file, 'utf8')) as Table;
const OURS = 'callhooks.v1.';

/** The methods of every service that a server has, without the slash at the beginning of their paths. */
function servedMethods(): string[] {
  const services = Object.entries(generated).filter(([name]) => name.endsWith('Service'));
  const methods = [...services.map(([, service]) => service), health].flatMap((service) =>
    Object.values(service),
  );
  const reflection = ['v1', 'v1alpha'].map(
    (version) => `grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  );
  return [...(methods as { path: string }[]).map(({ path }) => path.slice(1)), ...reflection];
}

/** The rule in words: viewers get, list and watch, lifecycle reports calls and reads executions, admin may do everything. */
function rolesByRule(method: string): readonly string[] {
  if (method.startsWith('grpc.health.v1.')) return ['anyone'];
  if (method.startsWith('grpc.reflection.')) return ROLES;
  const [service = '', name = ''] = method.slice(OURS.length).split('/');
  const isRead = /^(Get|List|Watch)/.test(name);
  return ROLES.filter(
    (role) =>
      role === 'admin' ||
      (role === 'viewer' && isRead) ||
      (role === 'lifecycle' && (name.startsWith('OnCall') || (service === 'ExecutionLog' && isRead))),
  );
}

describe('authorization.json', () => {
  it('lists every method that is served, and no other', () => {
    expect(Object.keys(table)).to.have.members(servedMethods());
  });

  for (const [method, roles] of Object.entries(table)) {
    it(`gives ${method} to the roles that the rule gives it to`, () => {
      expect(roles).to.deep.equal(rolesByRule(method));
    });
  }
});
