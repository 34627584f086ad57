package example.voiceplatform;

import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The text of dynamic variables, for people. */
final class Texts {
  private Texts() {}

  /**
   * Returns the text of a variable: a number as JSON writes it (3, never 3.0, which a bot would say), null as nothing, an
   * object or a list as compact JSON. A placeholder of a webhook makes the same of it within a text.
   */
  static String toText(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> "";
      case STRING_VALUE -> value.getStringValue();
      default -> json(value);
    };
  }

  /** Returns the text of each variable, by its name in the order of the names. */
  static Map<String, String> of(Struct variables) {
    var texts = new TreeMap<String, String>();
    variables.getFieldsMap().forEach((name, value) -> texts.put(name, toText(value)));
    return texts;
  }

  private static String json(Value value) {
    return switch (value.getKindCase()) {
      case NULL_VALUE, KIND_NOT_SET -> "null";
      case BOOL_VALUE -> String.valueOf(value.getBoolValue());
      case NUMBER_VALUE -> number(value.getNumberValue());
      case STRING_VALUE -> quote(value.getStringValue());
      case LIST_VALUE -> list(value.getListValue());
      case STRUCT_VALUE -> object(value.getStructValue());
    };
  }

  private static String list(ListValue list) {
    return list.getValuesList().stream().map(Texts::json).collect(Collectors.joining(",", "[", "]"));
  }

  private static String object(Struct object) {
    return new TreeMap<>(object.getFieldsMap()).entrySet().stream()
        .map(member -> quote(member.getKey()) + ":" + json(member.getValue()))
        .collect(Collectors.joining(",", "{", "}"));
  }

  /** Writes a number as ECMAScript does (Number::toString). */
  private static String number(double number) {
    if (Double.isNaN(number) || Double.isInfinite(number)) return "null";
    if (number == 0) return "0";
    var decimal = shortest(number).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -6 && exponent < 21) return decimal.toPlainString();
    var mantissa = decimal.movePointLeft(exponent).toPlainString();
    return mantissa + "e" + (exponent < 0 ? "" : "+") + exponent;
  }

  /** Returns the number with the fewest digits that is still this double. (Double.toString may give more.) */
  private static BigDecimal shortest(double number) {
    var exact = new BigDecimal(number);
    for (int digits = 1; digits < 17; digits++) {
      var rounded = exact.round(new MathContext(digits));
      if (rounded.doubleValue() == number) return rounded;
    }
    return exact.round(new MathContext(17));
  }

  private static String quote(String text) {
    var quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"', '\\' -> quoted.append('\\').append(c);
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '\b' -> quoted.append("\\b");
        case '\f' -> quoted.append("\\f");
        default -> quoted.append(c < ' ' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    return quoted.append('"').toString();
  }
}
