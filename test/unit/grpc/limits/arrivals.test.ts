import { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { allowEverybody } from '../../../../src/access/access-control.ts';
import { createByteBudget } from '../../../../src/engine/limits/byte-budget.ts';
import type { Arrival, CallGate } from '../../../../src/engine/limits/call-gate.ts';
import { createArrivals } from '../../../../src/grpc/limits/arrivals.ts';

const ignore = (): void => {};
const PATH = '/callhooks.v1.CallLifecycle/OnCallStart';

/** Makes the arrivals of a server whose gate admits every call and lists the arrivals that it made. */
const openGate = () => {
  const admitted: Arrival[] = [];
  const arrive = (): Arrival => {
    const arrival: Arrival = { received: ignore, decided: ignore, leave: ignore };
    admitted.push(arrival);
    return arrival;
  };
  const gate: CallGate = {
    arrive,
    isOverloaded: () => false,
    isShut: () => false,
    waiting: () => 0,
    refused: () => 0,
  };
  const arrivals = createArrivals({
    gate,
    budget: createByteBudget(1_000),
    accessControl: allowEverybody,
    refusals: { refuse: ignore, refuseSize: ignore, flush: ignore },
    isClosing: () => false,
  });
  return { arrivals, admitted };
};
const session = {};
const stream = () =>
  Object.assign(new EventEmitter(), { session, pause: ignore }) as unknown as ServerHttp2Stream;
const metadataOf = (headers: IncomingHttpHeaders): Metadata => {
  const metadata = new Metadata();
  metadata.set('callhooks-ticket', String(headers['callhooks-ticket']));
  return metadata;
};

describe('createArrivals', () => {
  it('numbers the streams of a server from 1, whatever ticket they bring', () => {
    const { arrivals } = openGate();
    const tickets = ['7', undefined, '1'].map((brought) => {
      const headers: IncomingHttpHeaders = { ':path': PATH, 'callhooks-ticket': brought };
      arrivals.admit(stream(), headers);
      return headers['callhooks-ticket'];
    });
    expect(tickets).to.deep.equal(['1', '2', '3']);
  });

  it('takes the token out of the headers, and overwrites what a client says of its name', () => {
    const { arrivals } = openGate();
    const headers: IncomingHttpHeaders = {
      ':path': PATH,
      authorization: 'Bearer token',
      'callhooks-caller': 'admin',
    };
    arrivals.admit(stream(), headers);
    expect(headers).to.not.have.property('authorization');
    expect(headers['callhooks-caller']).to.equal(undefined);
  });

  it('returns the arrival of a call by its ticket until its stream closes', () => {
    const { arrivals, admitted } = openGate();
    const headers: IncomingHttpHeaders = { ':path': PATH };
    const opened = stream();
    expect(arrivals.admit(opened, headers)).to.equal(true);
    expect(arrivals.messageOf(metadataOf(headers)).call).to.equal(admitted[0]);
    opened.emit('close');
    expect(arrivals.messageOf(metadataOf(headers)).call).not.to.equal(admitted[0]);
  });

  it('asks the gate only about lifecycle calls', () => {
    const { arrivals, admitted } = openGate();
    arrivals.admit(stream(), { ':path': '/callhooks.v1.ExecutionLog/GetExecution' });
    expect(admitted).to.deep.equal([]);
  });
});
