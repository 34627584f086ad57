import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/tracing.ts';

type SamplerSettings = Pick<TracingSettings, 'sampler' | 'samplerRatio'>;

/** Returns the sampler that OTEL_TRACES_SAMPLER names. The SDK itself no longer reads this variable. */
export function toSampler({ sampler, samplerRatio }: SamplerSettings): Sampler {
  const prefix = 'parentbased_';
  const isParentBased = sampler.startsWith(prefix);
  const root = rootSampler(isParentBased ? sampler.slice(prefix.length) : sampler, samplerRatio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: string, ratio: number): Sampler {
  if (name === 'always_on') return new AlwaysOnSampler();
  return name === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}
