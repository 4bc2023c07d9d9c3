// Package ingesttest holds what tests of sources share.
//
// It must not be imported by the product.
package ingesttest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"vedette/internal/ingest"
)

// Box is a spool that keeps what it is given, or refuses it. It is safe for
// concurrent use.
type Box struct {
	mu  sync.Mutex
	got []ingest.Payload
	err error
}

// Put implements [ingest.Spooler].
func (b *Box) Put(_ context.Context, p ingest.Payload) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	p.Data = bytes.Clone(p.Data)
	b.got = append(b.got, p)
	return nil
}

// Fail lets Put return an error from now on; nil: it takes everything again.
func (b *Box) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// All are the payloads in the order they came.
func (b *Box) All() []ingest.Payload {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// Texts are the bytes of the payloads in the order they came.
func (b *Box) Texts() (out []string) {
	for _, p := range b.All() {
		out = append(out, string(p.Data))
	}
	return out
}

// Eventually waits until something is so, and fails the test if it never is.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it never came that %s", what)
}

// Frail is a spool that panics on payloads that hold the word boom, as a fault of
// ours would. Told are the breakages that it heard of.
type Frail struct {
	Box
	toldMu sync.Mutex
	told   []ingest.Breakage
}

// Put implements [ingest.Spooler].
func (f *Frail) Put(ctx context.Context, p ingest.Payload) error {
	if bytes.Contains(p.Data, []byte("boom")) {
		panic("boom")
	}
	return f.Box.Put(ctx, p)
}

// Broke implements [ingest.Listener].
func (f *Frail) Broke(b ingest.Breakage) {
	f.toldMu.Lock()
	defer f.toldMu.Unlock()
	f.told = append(f.told, b)
}

// Told are the breakages so far.
func (f *Frail) Told() []ingest.Breakage {
	f.toldMu.Lock()
	defer f.toldMu.Unlock()
	return slices.Clone(f.told)
}
