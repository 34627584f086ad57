import { Server, ServerCredentials } from '@grpc/grpc-js';
import { bindServer } from './bind-server.ts';
import type { Health } from './health.ts';
import { tuneHttp2 } from './http2-settings.ts';
import type { OnRpc } from './rpc-watch.ts';

/** A plaintext port that answers `grpc.health.v1` alone, to everybody. Probes of Kubernetes know no TLS and no tokens. */
export interface HealthServer {
  /** Binds an address (`127.0.0.1:50052`; port 0 takes a free one) and returns the one that is bound. */
  listen(address: string): Promise<string>;
  /** Ends everything at once, watches too. */
  close(): void;
}

const MAX_CONNECTIONS = 1_000;
const OPTIONS = {
  'grpc.max_receive_message_length': 4_096,
  'grpc.max_concurrent_streams': 100,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.max_connection_idle_ms': 60_000,
  'grpc.enable_channelz': 0,
} as const;

/** Makes the server for probes. It binds nothing before it listens. */
export function createHealthServer(health: Health, onRpc?: OnRpc): HealthServer {
  const server = new Server(OPTIONS);
  const connections = tuneHttp2(server, { admit: () => true, onRpc, maxConnections: MAX_CONNECTIONS });
  health.addTo(server);
  return {
    listen: (address) => bindServer(server, address, ServerCredentials.createInsecure()),
    close: () => {
      server.forceShutdown();
      connections.destroy();
    },
  };
}
