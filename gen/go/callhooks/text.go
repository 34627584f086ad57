package callhooks

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"
)

// ToText returns the text of a dynamic variable for people: for a greeting, a prompt or a line on a screen. It is what a
// placeholder of a webhook makes of the value within a text: a number as ECMAScript writes it (3, never 3.0), null and nil as
// nothing, an object or a list as compact JSON, with the names in their order.
func ToText(value *structpb.Value) string {
	switch kind := value.GetKind().(type) {
	case nil, *structpb.Value_NullValue:
		return ""
	case *structpb.Value_StringValue:
		return kind.StringValue
	}
	var text strings.Builder
	writeJSON(&text, value)
	return text.String()
}

// Texts returns the text of each variable by its name.
func Texts(variables *structpb.Struct) map[string]string {
	texts := make(map[string]string, len(variables.GetFields()))
	for name, value := range variables.GetFields() {
		texts[name] = ToText(value)
	}
	return texts
}

func writeJSON(text *strings.Builder, value *structpb.Value) {
	switch kind := value.GetKind().(type) {
	case *structpb.Value_BoolValue:
		text.WriteString(strconv.FormatBool(kind.BoolValue))
	case *structpb.Value_NumberValue:
		text.WriteString(numberText(kind.NumberValue))
	case *structpb.Value_StringValue:
		writeString(text, kind.StringValue)
	case *structpb.Value_ListValue:
		writeList(text, kind.ListValue.GetValues())
	case *structpb.Value_StructValue:
		writeObject(text, kind.StructValue.GetFields())
	default:
		text.WriteString("null")
	}
}

func writeList(text *strings.Builder, values []*structpb.Value) {
	text.WriteByte('[')
	for index, value := range values {
		if index > 0 {
			text.WriteByte(',')
		}
		writeJSON(text, value)
	}
	text.WriteByte(']')
}

func writeObject(text *strings.Builder, fields map[string]*structpb.Value) {
	text.WriteByte('{')
	for index, name := range slices.Sorted(maps.Keys(fields)) {
		if index > 0 {
			text.WriteByte(',')
		}
		writeString(text, name)
		text.WriteByte(':')
		writeJSON(text, fields[name])
	}
	text.WriteByte('}')
}

var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}

func writeString(text *strings.Builder, value string) {
	text.WriteByte('"')
	for _, char := range value {
		if escape, ok := escapes[char]; ok {
			text.WriteString(escape)
		} else if char < ' ' {
			fmt.Fprintf(text, `\u%04x`, char)
		} else {
			text.WriteRune(char)
		}
	}
	text.WriteByte('"')
}

// numberText writes a number as ECMAScript does (Number::toString).
func numberText(number float64) string {
	if number == 0 {
		return "0"
	}
	if size := math.Abs(number); size >= 1e-6 && size < 1e21 {
		return strconv.FormatFloat(number, 'f', -1, 64)
	}
	mantissa, exponent, found := strings.Cut(strconv.FormatFloat(number, 'e', -1, 64), "e")
	if !found {
		return mantissa
	}
	return mantissa + "e" + exponent[:1] + strings.TrimLeft(exponent[1:], "0")
}
