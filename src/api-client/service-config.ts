import serviceConfig from '../../deploy/service-config.json' with { type: 'json' };

/** How long an RPC takes at most when its caller does not say: milliseconds by the path of the method. A stream has none. */
export type Deadlines = Readonly<Record<string, number>>;

/** The deadlines of deploy/service-config.json. */
export const DEADLINES: Deadlines = Object.fromEntries(
  serviceConfig.methodConfig.flatMap(({ name, timeout }) =>
    timeout === undefined
      ? []
      : name.map(({ service, method }) => [`/${service}/${method}`, toMilliseconds(timeout)]),
  ),
);

/**
 * deploy/service-config.json without its timeouts, as the channel takes it. In a service config a timeout also shortens
 * a longer deadline, and a caller may have a reason for a longer one.
 */
export const CHANNEL_CONFIG: string = JSON.stringify({
  ...serviceConfig,
  methodConfig: serviceConfig.methodConfig.map((method) => ({ ...method, timeout: undefined })),
});

/** Reads a duration of proto JSON: `0.5s`. */
function toMilliseconds(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}
