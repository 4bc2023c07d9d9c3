package cli_test

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vedette/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vedette": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(cli.Main(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}})
}

// The stories are in testdata, one a feature, told with the real command.
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			// A socket's path must be short; the story's own folder is long.
			dir, err := os.MkdirTemp("", "v")
			if err != nil {
				return err
			}
			e.Setenv("DATA", dir+"/d")
			e.Setenv("VEDETTE_SERVER", "")
			e.Defer(func() { _ = os.RemoveAll(dir) })
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
	})
}
