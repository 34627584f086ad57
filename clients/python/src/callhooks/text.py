"""The text of dynamic variables, for people."""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from google.protobuf.struct_pb2 import ListValue, Struct, Value

# ECMAScript writes larger numbers with an exponent.
_EXPONENT_FROM = 1e21


def to_text(value: object) -> str:
    """Returns the text of a dynamic variable: for a greeting, a prompt or a line on a screen.

    It is what a placeholder of a webhook makes of the value within a text: a number as ECMAScript writes it (3, never
    3.0), None as nothing, an object or a list as compact JSON. It takes a `google.protobuf.Value` or a Python value.
    """
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else _json(plain)


def texts(variables: "Struct | Mapping[str, object]") -> dict[str, str]:
    """Returns the text of each variable by its name."""
    fields = variables.fields if isinstance(variables, Struct) else variables
    return {name: to_text(value) for name, value in fields.items()}


def _plain(value: object) -> object:
    if not isinstance(value, Value):
        return value
    kind = value.WhichOneof("kind")
    return None if kind is None or kind == "null_value" else getattr(value, kind)


def _json(value: object) -> str:
    value = _plain(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and abs(value) < _EXPONENT_FROM:
        return str(value)
    if isinstance(value, (int, float)):
        return _number(float(value))
    if isinstance(value, (Struct, Mapping)):
        fields = value.fields if isinstance(value, Struct) else value
        members = (f"{_json(name)}:{_json(member)}" for name, member in fields.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, (ListValue, Sequence)):
        items = value.values if isinstance(value, ListValue) else value
        return "[" + ",".join(_json(item) for item in items) + "]"
    raise TypeError(f"a {type(value).__name__} is no JSON value")


def _number(number: float) -> str:
    """Writes a number as ECMAScript does (Number::toString)."""
    if not math.isfinite(number):
        return "null"
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < _EXPONENT_FROM:
        return f"{Decimal(repr(number)):f}".removesuffix(".0")
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa}e{int(exponent):+d}"
