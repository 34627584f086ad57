import { expect } from 'chai';
import {
  postCallVariables,
  preCallVariables,
  variablesTooLarge,
  withAssigned,
} from '../../../src/domain/variables.ts';
import type { StartVariables } from '../../../src/domain/call.ts';

describe('variables of a conversation', () => {
  it('are at its start the defaults under those of the request', () => {
    expect(preCallVariables({ a: 1, b: 2 }, { b: null, c: 3 })).to.deep.equal({
      variables: { a: 1, b: null, c: 3 },
      sources: { a: 'default', b: 'request', c: 'request' },
    });
  });

  const start: StartVariables = {
    callerPhone: '',
    variables: { a: 'start', b: 'start', c: 'start' },
    sources: { a: 'default', b: 'request', c: 'request' },
    assigned: { c: 'assigned', d: 'assigned' },
    assignedSources: { c: 'assignment', d: 'assignment_default' },
  };

  it('are after its start those with what was assigned over them', () => {
    expect(withAssigned(start).variables).to.deep.equal({
      a: 'start',
      b: 'start',
      c: 'assigned',
      d: 'assigned',
    });
  });

  it('are at its end the defaults, under those after the start, under those of the request', () => {
    const { variables, sources } = postCallVariables({ a: 'now', z: 'now' }, start, { d: 'end', e: 'end' });
    expect(variables).to.deep.equal({ a: 'start', z: 'now', b: 'start', c: 'assigned', d: 'end', e: 'end' });
    expect(sources).to.deep.equal({
      a: 'default',
      z: 'default',
      b: 'request',
      c: 'assignment',
      d: 'request',
      e: 'request',
    });
  });

  it('need no start at the end', () => {
    expect(postCallVariables({ a: 1 }, undefined, { b: 2 }).variables).to.deep.equal({ a: 1, b: 2 });
  });

  it('may have 256 KiB together, and no more', () => {
    const exactly = 256 * 1024 - '{"a":"","b":""}'.length;
    expect(variablesTooLarge({ a: 'x'.repeat(exactly), b: '' })).to.equal(undefined);
    expect(variablesTooLarge({ a: 'x'.repeat(exactly), b: 'y' })).to.contain('262144 bytes');
  });
});
