import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct, Value

from callhooks import texts, to_text

VECTORS = json.loads((Path(__file__).parents[3] / "test" / "vectors" / "to-text.json").read_text())


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: str(row["json"]))
def test_writes_a_value_as_the_vectors_say(row: dict[str, str]) -> None:
    plain = json.loads(row["json"])
    assert to_text(json_format.ParseDict(plain, Value())) == row["text"]
    assert to_text(plain) == row["text"]


def test_returns_the_text_of_each_variable() -> None:
    variables = Struct()
    variables.update({"name": "Ada", "visits": 3, "plan": None, "nested": {"of": [1.0]}})
    expected = {"name": "Ada", "visits": "3", "plan": "", "nested": '{"of":[1]}'}
    assert texts(variables) == expected
    assert texts({"name": "Ada", "visits": 3.0, "plan": None, "nested": {"of": [1]}}) == expected
    assert texts(Struct()) == {}


def test_writes_a_large_integer_with_all_its_digits() -> None:
    assert to_text(12345678901234567891) == "12345678901234567891"
    assert to_text(10**21) == "1e+21"
