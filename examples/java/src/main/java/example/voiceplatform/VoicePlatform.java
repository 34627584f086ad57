package example.voiceplatform;

import com.callhooks.v1.CallDecision;
import com.callhooks.v1.Execution;
import com.callhooks.v1.ListExecutionsRequest;
import com.callhooks.v1.OnCallEndRequest;
import com.callhooks.v1.OnCallStartRequest;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/** A small voice platform: it takes one call with the context that callhooks loads for it. */
public final class VoicePlatform {
  /** Covers all attempts. The caller hears the phone ring meanwhile. */
  private static final Duration START_TIMEOUT = Duration.ofSeconds(12);

  private static final Duration END_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration RECORD_TIMEOUT = Duration.ofSeconds(10);

  /** What the caller hears first, and whether the call goes on. */
  private record Start(String greeting, boolean talk) {}

  private final Callhooks callhooks;
  private final String agent;

  private VoicePlatform(Callhooks callhooks, String agent) {
    this.callhooks = callhooks;
    this.agent = agent;
  }

  public static void main(String[] args) throws InterruptedException {
    var agent = args.length > 0 ? args[0] : "a0000000-0000-4000-8000-000000000001";
    var phone = args.length > 1 ? args[1] : "+14155550123";
    var conversation = args.length > 2 ? args[2] : UUID.randomUUID().toString();
    var address = System.getenv().getOrDefault("CALLHOOKS_ADDRESS", "127.0.0.1:50051");
    int exitCode = 0;
    try (var callhooks = new Callhooks(address, System.getenv("CALLHOOKS_TOKEN"))) {
      new VoicePlatform(callhooks, agent).takeCall(conversation, phone);
    } catch (CallhooksException error) {
      System.err.println(error.getMessage());
      exitCode = 1;
    }
    System.exit(exitCode);
  }

  /** Answers a call, or turns it away, and reports its end. Throws when the request itself was wrong. */
  private void takeCall(String conversation, String phone) throws InterruptedException {
    var start = start(conversation, phone);
    System.out.println("say: " + start.greeting);
    if (start.talk) {
      // Here the agent would talk.
      end(conversation, phone, Duration.ofSeconds(42));
    }
    printRecord(conversation);
  }

  /** Asks callhooks what to do with a call. */
  private Start start(String conversation, String phone) {
    var request =
        OnCallStartRequest.newBuilder()
            .setAgentUuid(agent)
            .setConversationUuid(conversation)
            .setCallerPhone(phone)
            .build();
    try {
      var reply = callhooks.calls(START_TIMEOUT, stub -> stub.onCallStart(request));
      if (reply.getRejected()) {
        // The reason is for your people, and not for the caller.
        System.out.println("start: BLOCK, rejected: " + reply.getRejectReason());
        return new Start("Sorry, we can't take your call.", false);
      }
      if (reply.getDecision() == CallDecision.CALL_DECISION_BLOCK) {
        System.out.println("start: BLOCK");
        return new Start("Sorry, we can't take your call now. Please try again later.", false);
      }
      // In a degraded call the variables are those of the agent and the request.
      System.out.println("start: PROCEED" + (reply.getDegraded() ? ", degraded" : ""));
      var known = Texts.of(reply.getDynamicVariables());
      known.forEach((name, text) -> System.out.println("known: " + name + "=" + text));
      var name = known.getOrDefault("customer_name", "");
      return new Start(name.isEmpty() ? "Hello!" : "Hello " + name + "!", true);
    } catch (CallhooksException error) {
      printError("start", error);
      // The caller is not to blame: talk without the context.
      if (error.callhooksIsAway()) return new Start("Hello!", true);
      System.out.println("say: Sorry, we can't take your call now.");
      throw error;
    }
  }

  /** Reports a call. callhooks sends the post-call webhook in the background. */
  private void end(String conversation, String phone, Duration duration) {
    var request =
        OnCallEndRequest.newBuilder()
            .setAgentUuid(agent)
            .setConversationUuid(conversation)
            .setCallerPhone(phone)
            .setCallDuration(com.google.protobuf.Duration.newBuilder().setSeconds(duration.toSeconds()))
            .setCallSummary("The caller asked for the opening hours.")
            .build();
    try {
      var reply = callhooks.calls(END_TIMEOUT, stub -> stub.onCallEnd(request));
      System.out.println("end: " + shortName(reply.getExecution().getState(), "EXECUTION_STATE_"));
    } catch (CallhooksException error) {
      printError("end", error); // A platform would keep the report, and repeat it later.
    }
  }

  /** Prints how the webhooks of a conversation ended. */
  private void printRecord(String conversation) throws InterruptedException {
    var request =
        ListExecutionsRequest.newBuilder().setAgentUuid(agent).setConversationUuid(conversation).build();
    var giveUpAt = System.nanoTime() + RECORD_TIMEOUT.toNanos();
    List<Execution> executions;
    while (true) {
      executions = callhooks.executions(RECORD_TIMEOUT, stub -> stub.listExecutions(request)).getExecutionsList();
      if (executions.stream().allMatch(Execution::hasFinishedAt) || System.nanoTime() > giveUpAt) break;
      Thread.sleep(200);
    }
    executions.stream()
        .sorted(Comparator.comparing(Execution::getWebhookTypeValue))
        .forEach(VoicePlatform::print);
  }

  private static void print(Execution execution) {
    var failure = shortName(execution.getFailure().getCode(), "FAILURE_CODE_");
    System.out.println(
        shortName(execution.getWebhookType(), "WEBHOOK_TYPE_")
            + ": "
            + shortName(execution.getState(), "EXECUTION_STATE_")
            + (execution.hasFailure() ? ", " + failure : ""));
  }

  private static void printError(String step, CallhooksException error) {
    System.out.println(step + ": " + error.reason());
    error.violations().forEach(broken ->
        System.out.println("  " + broken.getField() + " " + broken.getDescription()));
  }

  private static String shortName(Enum<?> value, String prefix) {
    return value.name().replaceFirst("^" + prefix, "");
  }
}
