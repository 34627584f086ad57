import { expect } from 'chai';
import * as pb from '../../src/gen/index.callhooks.v1.ts';
import { readExecution } from '../support/calls.ts';
import { useScene } from './support/use-scene.ts';

/** Returns the names of an enum's values, without that of 0, which only a newer release brings about. */
const valuesOf = (numbers: Readonly<Record<string, string | number>>) =>
  Object.values(numbers).filter((value) => typeof value === 'number' && value > 0);

describe('The calls that pages of the console are tested with', () => {
  const scene = useScene();

  const executions = () =>
    Promise.all(
      Array.from(scene().calls.values(), (call) => readExecution(scene().server.rpc, call.executionUuid)),
    );

  it('have a failure of each code', async () => {
    const codes = (await executions()).map((execution) => execution.failure?.code ?? 0);
    expect(new Set(codes)).to.include.all.keys(valuesOf(pb.FailureCode) as number[]);
  });

  it('have an assignment that was missed for each reason', async () => {
    const missed = (await executions()).flatMap(({ missedAssignments }) => missedAssignments);
    expect(new Set(missed.map(({ reason }) => reason))).to.include.all.keys(
      valuesOf(pb.MissReason) as number[],
    );
  });

  it('end with each decision, degraded and not, rejected and not', async () => {
    const ended = await executions();
    expect(new Set(ended.map(({ decision }) => decision))).to.include.all.keys(
      valuesOf(pb.CallDecision) as number[],
    );
    expect(new Set(ended.map(({ degraded }) => degraded))).to.deep.equal(new Set([true, false]));
    expect(new Set(ended.map(({ rejected }) => rejected))).to.deep.equal(new Set([true, false]));
  });

  it('record a binary body, one that was cut, and masked secrets', async () => {
    const ended = await executions();
    expect(ended.some(({ response }) => response?.bodyBinary)).to.equal(true);
    expect(ended.some(({ response }) => response?.truncated && response.body.length === 65_536)).to.equal(
      true,
    );
    expect(ended.some(({ response }) => response?.body.includes('••••••'))).to.equal(true);
  });

  it('can wait, and be under way', async () => {
    const calls = await scene().holdReports();
    const states = await Promise.all(
      calls.map(async ({ executionUuid }) => (await readExecution(scene().server.rpc, executionUuid)).state),
    );
    const { EXECUTION_STATE_SENDING: sending, EXECUTION_STATE_ACCEPTED: accepted } = pb.ExecutionState;
    expect(states).to.deep.equal([sending, accepted]);
  });

  it('have planted texts in what they send, get and record', async () => {
    const { rpc } = scene().server;
    const read = async (name: string) => readExecution(rpc, scene().calls.get(name)?.executionUuid);
    const execution = await read('planted');
    expect(JSON.stringify(execution.request?.headers))
      .to.include('header<planted-el>')
      .and.include('requestvariable<');
    expect(execution.request?.url).to.include('url%3Cplanted-el');
    expect(execution.request?.body).to.include('body<planted-el>').and.include('phone<planted-el>');
    expect(JSON.stringify(execution.response?.headers)).to.include('answerheader<planted-el>');
    expect(execution.response?.body).to.include('answer<planted-el>');
    expect(JSON.stringify(execution.assignedVariables)).to.include('answer<planted-el>');
    expect((await read('planted rejection')).rejectReason).to.include('reason<planted-el>');
    expect((await read('planted failure')).failure?.message).to.include('missing<planted-el>');
    expect((await read('planted report')).response?.body).to.include('html<planted-el>');
  });
});
