// Command vedette is the AI security analyst for IoT and OT fleets: one
// binary that takes in logs, knows the devices and answers questions with
// evidence. Run it without arguments for the list of commands.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"vedette/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go leaveInTime(ctx, stop)
	code := cli.Main(ctx, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}

// grace is how long a command has to end after a signal.
const grace = 20 * time.Second

// leaveInTime lets a second signal end the program at once, and ends a command
// that hangs, such as one that waits for the other end of a pipe. What was
// acknowledged is stored by then.
func leaveInTime(ctx context.Context, stop func()) {
	<-ctx.Done()
	stop()
	time.Sleep(grace)
	fmt.Fprintf(os.Stderr, "vedette: did not end within %s after the signal, leaving\n", grace)
	os.Exit(1)
}
