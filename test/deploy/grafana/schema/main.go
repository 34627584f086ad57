// Reads a dashboard as Grafana's published schema describes it, and refuses what the schema does not have: a field with
// another name, a value of another type, an option that the kind of panel does not know.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dashboard-schema FILE")
		os.Exit(64)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	// Without these the options of panels and the queries are not checked.
	plugins.RegisterDefaultPlugins()
	var read dashboard.Dashboard
	if err := problems(read.UnmarshalJSONStrict(text)); err != nil {
		return err
	}
	if err := problems(read.Validate()); err != nil {
		return err
	}
	fmt.Printf("%d rows and panels are as the schema says\n", len(read.Panels))
	return nil
}

// The SDK returns an empty list of errors where it finds none.
func problems(err error) error {
	var list cog.BuildErrors
	if errors.As(err, &list) && len(list) == 0 {
		return nil
	}
	return err
}
