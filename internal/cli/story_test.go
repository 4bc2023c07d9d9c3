package cli_test

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"vedette/internal/cli"
	"vedette/internal/model/register/registertest"
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
			e.Setenv("VEDETTE_LISTEN", "127.0.0.1:0") // stories run side by side
			if err := modelFiles(e.WorkDir); err != nil {
				return err
			}
			e.Defer(func() { _ = os.RemoveAll(dir) })
			return nil
		},
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
	})
}

// modelFiles writes models, which are not text and cannot be in a story: a good
// one, and one whose header speaks to the terminal.
func modelFiles(dir string) error {
	for name, g := range map[string]registertest.GGUF{
		"tiny.gguf":    registertest.Tiny(),
		"hostile.gguf": registertest.Tiny().Set("general.name", "a\x1b[2J\u202eb\u009b31m").Set("general.license", "x\x07\ny"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), g.Bytes(), 0o600); err != nil {
			return err
		}
	}
	return nil
}
