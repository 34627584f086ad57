package example.voiceplatform;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import com.callhooks.v1.CallLifecycleGrpc;
import com.callhooks.v1.CallLifecycleGrpc.CallLifecycleBlockingStub;
import com.callhooks.v1.ExecutionLogGrpc;
import com.callhooks.v1.ExecutionLogGrpc.ExecutionLogBlockingStub;
import com.google.gson.Gson;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.AbstractBlockingStub;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;

/** A connection to callhooks. Make one for the process: all RPCs share it. */
final class Callhooks implements AutoCloseable {
  private final ManagedChannel channel;
  private final CallLifecycleBlockingStub calls;
  private final ExecutionLogBlockingStub executions;

  private static final Pattern THIS_MACHINE = Pattern.compile("(localhost|127\\.[0-9.]+|\\[::1]):[0-9]+");

  /** Connects with the first RPC, by TLS unless the server is on this machine. `token` may be null. */
  Callhooks(String address, String token) {
    // The service config repeats an RPC after UNAVAILABLE and LIMIT_REACHED, and gRPC waits as long as the server asks for.
    var builder =
        NettyChannelBuilder.forTarget("dns:///" + address)
            .defaultServiceConfig(serviceConfig())
            .disableServiceConfigLookUp()
            .enableRetry()
            .keepAliveTime(30, SECONDS)
            .keepAliveTimeout(10, SECONDS)
            .keepAliveWithoutCalls(true);
    if (THIS_MACHINE.matcher(address).matches()) builder.usePlaintext();
    channel = builder.build();
    var headers = new Metadata();
    if (token != null)
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    var authorized = MetadataUtils.newAttachHeadersInterceptor(headers);
    calls = CallLifecycleGrpc.newBlockingStub(channel).withInterceptors(authorized);
    executions = ExecutionLogGrpc.newBlockingStub(channel).withInterceptors(authorized);
  }

  /** Calls CallLifecycle. Throws a CallhooksException. The timeout covers all attempts. */
  <T> T calls(Duration timeout, Function<CallLifecycleBlockingStub, T> rpc) {
    return call(calls, timeout, rpc);
  }

  /** Calls ExecutionLog. Throws a CallhooksException. */
  <T> T executions(Duration timeout, Function<ExecutionLogBlockingStub, T> rpc) {
    return call(executions, timeout, rpc);
  }

  /** The deadline of a stub counts from the moment at which it is set, so each RPC sets its own. */
  private static <S extends AbstractBlockingStub<S>, T> T call(S stub, Duration timeout, Function<S, T> rpc) {
    try {
      return rpc.apply(stub.withDeadlineAfter(timeout.toMillis(), MILLISECONDS));
    } catch (StatusRuntimeException error) {
      throw new CallhooksException(error);
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, ?> serviceConfig() {
    try (var file = Callhooks.class.getResourceAsStream("/service-config.json")) {
      return new Gson().fromJson(new InputStreamReader(file, "UTF-8"), Map.class);
    } catch (IOException error) {
      throw new IllegalStateException("service-config.json can't be read", error);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
