package callhooks

import (
	"encoding/json"
	"os"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
)

// The vectors lie in the repository, outside of this module.
const vectors = "../../../test/vectors/to-text.json"

func TestToTextWritesEachValueAsTheVectorsSay(t *testing.T) {
	content, err := os.ReadFile(vectors)
	if err != nil {
		t.Skip("the vectors are not there: ", err)
	}
	var rows []struct{ JSON, Text string }
	if err := json.Unmarshal(content, &rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		var value structpb.Value
		if err := value.UnmarshalJSON([]byte(row.JSON)); err != nil {
			t.Fatal(err)
		}
		if got := ToText(&value); got != row.Text {
			t.Errorf("%s: got %q, want %q", row.JSON, got, row.Text)
		}
	}
}

func TestTextsReturnsTheTextOfEachVariable(t *testing.T) {
	variables, err := structpb.NewStruct(map[string]any{"name": "Ada", "visits": 3, "plan": nil})
	if err != nil {
		t.Fatal(err)
	}
	got := Texts(variables)
	if got["name"] != "Ada" || got["visits"] != "3" || got["plan"] != "" || len(got) != 3 {
		t.Errorf("got %v", got)
	}
	if len(Texts(nil)) != 0 || ToText(nil) != "" {
		t.Error("nothing has a text")
	}
}
