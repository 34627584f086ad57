package example.voiceplatform;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The error of an RPC, with its details decoded. */
final class CallhooksException extends RuntimeException {
  private static final Set<Code> AWAY =
      EnumSet.of(
          Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED, Code.ABORTED, Code.INTERNAL);

  private final Code code;
  private String reason;
  private List<BadRequest.FieldViolation> violations = List.of();

  CallhooksException(StatusRuntimeException error) {
    super(error.getMessage(), error);
    code = error.getStatus().getCode();
    reason = code.name(); // A connection that fails has no reason.
    try {
      for (var detail : StatusProto.fromThrowable(error).getDetailsList()) add(detail);
    } catch (InvalidProtocolBufferException foreign) {
      addSuppressed(foreign); // These details are not from callhooks.
    }
  }

  private void add(Any detail) throws InvalidProtocolBufferException {
    if (detail.is(ErrorInfo.class)) {
      var info = detail.unpack(ErrorInfo.class);
      if (info.getDomain().equals("callhooks")) reason = info.getReason();
    } else if (detail.is(BadRequest.class)) {
      violations = detail.unpack(BadRequest.class).getFieldViolationsList();
    }
  }

  /** Says why callhooks refused the request, such as AGENT_NOT_FOUND; or it is the code of the RPC. */
  String reason() {
    return reason;
  }

  /** Lists the broken rules of VALIDATION_FAILED. */
  List<BadRequest.FieldViolation> violations() {
    return violations;
  }

  /** Reports whether callhooks could not answer now. Other errors mean that the request was wrong. */
  boolean callhooksIsAway() {
    return AWAY.contains(code);
  }
}
