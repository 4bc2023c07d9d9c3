package app

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/ingest"
	"vedette/internal/ingest/captures"
	"vedette/internal/normalize/wire/capfile"
)

// splitCapture writes the packets of a capture into files of at most n packets, as
// tcpdump -C does, and tells how many packets there are.
func splitCapture(t *testing.T, from, dir string, n int) (packets int) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	next := capfile.Cut(bufio.NewReader(bytes.NewReader(raw)))
	var b []byte
	flush := func() {
		path := filepath.Join(dir, fmt.Sprintf("x%06d.pcap", packets))
		at := time.Date(2025, 12, 10, 11, 0, packets, 0, time.UTC)
		if err := errors.Join(os.WriteFile(path, b, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
		b = nil
	}
	for {
		rec, _, err := next()
		if errors.Is(err, io.EOF) {
			flush()
			return packets
		}
		p, err := capfile.Parse(rec)
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			b = binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
			b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, byte(p.Link), 0, 0, 0)
		}
		for _, v := range []int64{p.Time.Unix(), int64(p.Time.Nanosecond()), int64(len(p.Data)), int64(p.Orig)} {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		b = append(b, p.Data...)
		if packets++; packets%n == 0 {
			flush()
		}
	}
}

// A connection that goes on over many files of a ring is told as it is in one file,
// and what is read once more is stored once.
func TestRingToStore(t *testing.T) {
	told := func(n int) (out []string) {
		dir := t.TempDir()
		for _, name := range []string{"ssh", "mqtt31", "snmpv2c"} {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			splitCapture(t, "../normalize/testdata/capture/"+name+".pcap", filepath.Join(dir, name), n)
		}
		a := openForLive(t)
		for i := range 2 {
			state := filepath.Join(t.TempDir(), "state") // the second time nothing is known of the first
			src, err := captures.New(captures.Config{
				Name: "ring", Paths: []string{filepath.Join(dir, "ssh"), filepath.Join(dir, "mqtt31"), filepath.Join(dir, "snmpv2c")}, State: state, Cut: capfile.Cut, Poll: 10 * time.Millisecond, Now: a.cfg.Now,
			})
			if err != nil {
				t.Fatal(err)
			}
			l, err := a.OpenLive(0, src)
			if err != nil {
				t.Fatal(err)
			}
			rounds := time.Now().Add(400 * time.Millisecond)
			run(t, l, func() bool {
				return src.Status().State == ingest.Running && src.Status().Received >= 3 && l.spool.Stats().Pending == 0 && time.Now().After(rounds)
			})
			table, err := a.Query(t.Context(), "| by metadata.log_name count, distinct(metadata.uid) | limit 100", a.cfg.Now())
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, row := range table.Rows {
				list = append(list, fmt.Sprint(row))
			}
			if i == 1 {
				if diff := cmp.Diff(out, list); diff != "" {
					t.Errorf("read twice:\n%s", diff)
				}
			}
			out = list
		}
		return out
	}
	whole, split := told(1<<20), told(3)
	t.Log(whole)
	if diff := cmp.Diff(whole, split); diff != "" || len(whole) < 3 {
		t.Errorf("in one file and in many:\n%s", diff)
	}
}
