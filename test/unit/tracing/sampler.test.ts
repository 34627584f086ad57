import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { expect } from 'chai';
import type { TracingSettings } from '../../../src/config/tracing.ts';
import { toSampler } from '../../../src/tracing/sampler.ts';

const LOW = `${'0'.repeat(31)}1`;
// The SDK takes the exclusive or of the four parts.
const HIGH = `${'f'.repeat(8)}${'0'.repeat(24)}`;

/** Reports whether a sampler keeps a trace, which has a sampled parent, an unsampled one, or none. */
function keeps(
  sampler: TracingSettings['sampler'],
  traceId: string,
  parent?: 'sampled' | 'unsampled',
): boolean {
  const traceFlags = parent === 'sampled' ? TraceFlags.SAMPLED : TraceFlags.NONE;
  const context =
    parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: '2'.repeat(16), traceFlags, isRemote: true });
  const sample = toSampler({ sampler, samplerRatio: 0.5 });
  const { decision } = sample.shouldSample(context, traceId, 'a', SpanKind.SERVER, {}, []);
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

const ROWS: [sampler: TracingSettings['sampler'], low: boolean, high: boolean, ofParent: boolean][] = [
  ['always_on', true, true, false],
  ['always_off', false, false, false],
  ['traceidratio', true, false, false],
  ['parentbased_always_on', true, true, true],
  ['parentbased_always_off', false, false, true],
  ['parentbased_traceidratio', true, false, true],
];

describe('toSampler', () => {
  for (const [sampler, low, high, ofParent] of ROWS)
    it(`keeps with ${sampler} what its name says`, () => {
      expect([keeps(sampler, LOW), keeps(sampler, HIGH)]).to.deep.equal([low, high]);
      expect(keeps(sampler, HIGH, 'sampled')).to.equal(ofParent ? true : high);
      expect(keeps(sampler, LOW, 'unsampled')).to.equal(ofParent ? false : low);
    });
});
