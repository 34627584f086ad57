import { expect } from 'chai';
import {
  postCallVariables,
  preCallVariables,
  variablesTooLarge,
  withAssigned,
} from '../../../src/domain/variables.ts';
import type { StartVariables } from '../../../src/domain/call.ts';

describe('variables of a conversation', () => {
  it('preCallVariables puts the variables of the request over the defaults', () => {
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

  it('withAssigned puts assigned variables over those of the start', () => {
    expect(withAssigned(start).variables).to.deep.equal({
      a: 'start',
      b: 'start',
      c: 'assigned',
      d: 'assigned',
    });
  });

  it('postCallVariables puts those after the start over the defaults, and those of the request over both', () => {
    const { variables, sources } = postCallVariables({ a: 'now', z: 'now' }, start, {
      d: 'report',
      e: 'report',
    });
    expect(variables).to.deep.equal({
      a: 'start',
      z: 'now',
      b: 'start',
      c: 'assigned',
      d: 'report',
      e: 'report',
    });
    expect(sources).to.deep.equal({
      a: 'default',
      z: 'default',
      b: 'request',
      c: 'assignment',
      d: 'request',
      e: 'request',
    });
  });

  it('postCallVariables needs no start', () => {
    expect(postCallVariables({ a: 1 }, undefined, { b: 2 }).variables).to.deep.equal({ a: 1, b: 2 });
  });

  it('variablesTooLarge accepts 256 KiB together and refuses more', () => {
    const exactly = 256 * 1024 - '{"a":"","b":""}'.length;
    expect(variablesTooLarge({ a: 'x'.repeat(exactly), b: '' })).to.equal(undefined);
    expect(variablesTooLarge({ a: 'x'.repeat(exactly), b: 'y' })).to.contain('262144 bytes');
  });
});
