package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"vedette/internal/api"
	"vedette/internal/app"
	"vedette/internal/demo"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
)

// living is the app with a plant that lives in it. It is what the demo's door serves.
type living struct {
	*app.App
	root *root
	feed *demo.Feed

	mu     sync.Mutex
	loaded float64 // share of the history that is in
	err    error   // why the last step failed
}

// live takes in the inventory and the past and then, every few seconds, what
// is new, until ctx ends. A step that fails is told and tried again.
func (l *living) live(ctx context.Context) error {
	rep, err := l.ImportDevices(ctx, "demo", bytes.NewReader(l.feed.Plant().Inventory()))
	if err != nil {
		return quietEnd(ctx, err)
	}
	if len(rep.Problems) > 0 {
		return fault.New(fault.Internal, "the demo's inventory has %d problems: %s", len(rep.Problems), rep.Problems[0].Text)
	}
	if err := l.disclose(ctx); err != nil {
		return quietEnd(ctx, err)
	}
	started := time.Now()
	ready := false
	tick := time.NewTicker(demoTick)
	defer tick.Stop()
	for {
		err := l.feed.CatchUp(ctx, time.Now(), l.App, l.progress(!ready))
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			fmt.Fprintf(l.root.Err, "the plant stands still, trying again: %s\n", printable(err.Error()))
		case !ready:
			ready = true
			l.tellReady(ctx, time.Since(started))
		}
		l.note(err, ready)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// disclose takes in the advisories, bills and indicators that the plant is held
// against. A device that has a bill keeps it: a person may have sent another.
func (l *living) disclose(ctx context.Context) error {
	send := func(d demo.Document, take func(io.Reader) error) error {
		var b bytes.Buffer
		if err := feed.PackStream(&b, d.Name, bytes.NewReader(d.Text)); err != nil {
			return err
		}
		return take(&b)
	}
	for _, d := range l.feed.Plant().Advisories() {
		err := send(d, func(in io.Reader) error {
			rep, err := l.ImportAdvisories(ctx, api.VulnImport{Actor: "demo"}, in)
			if err == nil && len(rep.Files) > 0 && rep.Files[0].Status != "ok" {
				err = fault.New(fault.Internal, "the demo's advisory %s is refused: %s", d.Name, rep.Files[0].Reason)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := send(l.feed.Plant().Indicators(), func(in io.Reader) error {
		_, err := l.ImportIntel(ctx, library.Request{Name: "demo-indicators", By: "demo"}, in)
		return err
	}); err != nil {
		return err
	}
	had := map[string]bool{}
	for _, b := range l.feed.Plant().Bills() {
		if _, asked := had[b.Device]; !asked {
			list, err := l.DeviceBills(ctx, b.Device)
			if err != nil {
				return err
			}
			had[b.Device] = len(list) > 0
		}
		if had[b.Device] {
			continue
		}
		err := send(b.Document, func(in io.Reader) error {
			_, err := l.ImportBills(ctx, api.VulnImport{Actor: "demo", Device: b.Device}, in)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// quietEnd is nil when it was the end of ctx that stopped the work.
func quietEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (l *living) progress(first bool) func(float64) {
	return func(done float64) {
		if !first {
			return
		}
		l.mu.Lock()
		l.loaded = done
		l.mu.Unlock()
		l.root.progress("taking in the plant's past: %.0f %%", done*100)
	}
}

func (l *living) tellReady(ctx context.Context, took time.Duration) {
	l.root.progress("")
	status, err := l.App.Status(ctx)
	if err != nil {
		return // told by the next step
	}
	fmt.Fprintf(l.root.Err, "the plant lives: %d events of %d devices in %d zones, taken in in %.1f s\n", status.Events, status.Devices, status.Zones, took.Seconds())
}

func (l *living) note(err error, ready bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
	if ready {
		l.loaded = 1
	}
}

// Status implements [rest.Service].
func (l *living) Status(ctx context.Context) (api.Overview, error) {
	out, err := l.App.Status(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	out.Loading = l.loaded
	return out, err
}

// Health implements [rest.Service].
func (l *living) Health(ctx context.Context) []api.Condition {
	out := l.App.Health(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	past := api.Condition{Name: "history", State: api.Good, Text: "the plant's past is in"}
	if l.loaded < 1 {
		past.State, past.Text = api.Starting, "the plant's past is being taken in"
	}
	life := api.Condition{Name: "plant", State: api.Good, Text: "the plant lives"}
	if l.err != nil {
		life.State, life.Text = api.Failed, "the plant's events cannot be taken in"
	}
	return append(out, past, life)
}
