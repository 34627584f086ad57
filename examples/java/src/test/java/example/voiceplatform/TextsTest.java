package example.voiceplatform;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonParser;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class TextsTest {
  /** The vectors of all languages. */
  private static final Path VECTORS = Path.of("../../test/vectors/to-text.json");

  static Stream<Arguments> vectors() throws IOException {
    var rows = JsonParser.parseString(Files.readString(VECTORS)).getAsJsonArray();
    return StreamSupport.stream(rows.spliterator(), false)
        .map(row -> row.getAsJsonObject())
        .map(row -> Arguments.of(row.get("json").getAsString(), row.get("text").getAsString()));
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void writesAValueAsTheVectorsSay(String json, String text) throws InvalidProtocolBufferException {
    var value = Value.newBuilder();
    JsonFormat.parser().merge(json, value);
    assertEquals(text, Texts.toText(value.build()));
  }

  @Test
  void returnsTheTextOfEachVariable() {
    var variables =
        Struct.newBuilder()
            .putFields("name", Value.newBuilder().setStringValue("Ada").build())
            .putFields("visits", Value.newBuilder().setNumberValue(3).build())
            .build();
    assertEquals(Map.of("name", "Ada", "visits", "3"), Texts.of(variables));
  }
}
