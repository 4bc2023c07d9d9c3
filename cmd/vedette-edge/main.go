// Command vedette-edge is the agent of Vedette for small machines near the
// devices. Run it without arguments for the list of commands.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"vedette/internal/edge"
)

// version is set by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := edge.Main(ctx, version, os.Args[1:], edge.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}, time.Now)
	stop()
	os.Exit(code)
}
