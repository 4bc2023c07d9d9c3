package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/config"
	"vedette/internal/fault"
)

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n#open\t2025-12-10-09-00-00\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\n"

// A log whose first lines name its columns is followed through restarts: each
// line is there once, with its fields.
func TestTailOfALogWithColumns(t *testing.T) {
	dir, logs := t.TempDir(), t.TempDir()
	path := filepath.Join(logs, "conn.log")
	lines := 0
	write := func(head string, n int) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		text := head
		for range n {
			lines++
			text += fmt.Sprintf("%d.5\tC%06d\t10.0.0.7\t%d\t10.0.0.9\t502\ttcp\tmodbus\n", 1765357200+lines, lines, 1024+lines)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	session := func(work func(a *App, l *Live)) {
		t.Helper()
		a, err := Open(t.Context(), Config{
			Dir: dir, Now: func() time.Time { return time.Date(2025, 12, 10, 12, 0, 0, 0, time.UTC).Add(time.Since(began)) },
			Sources: []config.Source{{Name: "zeek", Kind: "tail", Paths: []string{filepath.Join(logs, "*.log")}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := a.StartLive()
		if err != nil {
			t.Fatal(err)
		}
		work(a, l)
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stored := func(a *App, l *Live) {
		t.Helper()
		run(t, l, func() bool { return countOf(t, a, "app_name=modbus port=502") >= int64(lines) })
		if got := countOf(t, a, ""); got != int64(lines) {
			t.Errorf("%d events of %d lines", got, lines)
		}
	}
	write(zeekHead, 20)
	session(stored)
	write("", 15)
	session(func(a *App, l *Live) {
		stored(a, l)
		write("", 10)
	})
	session(stored)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(strings.Replace(zeekHead, "09-00-00", "10-00-00", 1), 7)
	session(stored)
	for range 3 { // it ends before it has read anything, again and again
		session(func(a *App, l *Live) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := l.Run(ctx); err != nil {
				t.Error(err)
			}
			if got := countOf(t, a, ""); got != int64(lines) {
				t.Errorf("%d events of %d lines", got, lines)
			}
		})
	}
	session(stored)
}

var began = time.Now() //nolint:gochecknoglobals // of the test's clock

// What an OpenTelemetry collector exports is parsed as what its program wrote.
func TestExportedLogs(t *testing.T) {
	a := openForLive(t)
	l, err := a.StartLive()
	if err != nil {
		t.Fatal(err)
	}
	body := `{"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":"gw-9"}}]},"scopeLogs":[{"logRecords":[
		{"timeUnixNano":"1765357200000000000","body":{"stringValue":"<38>Dec 10 09:32:20 gw-1 sshd[24680]: Failed password for invalid user admin from 203.0.113.7 port 38926 ssh2"}},
		{"timeUnixNano":"1765357201000000000","severityText":"WARN","body":{"kvlistValue":{"values":[{"key":"temperature","value":{"doubleValue":81.5}}]}}}]}]}]}`
	sent := false
	run(t, l, func() bool {
		if !sent {
			refused, err := a.TakeLogs(t.Context(), []byte(body), true, "u1")
			sent = err == nil && refused == 0
			return false
		}
		return countOf(t, a, "") >= 2
	})
	if got := countOf(t, a, "status=Failure user=admin src=203.0.113.7 hostname=gw-9"); got != 1 {
		table, err := a.Query(t.Context(), "| select log, status, user, src, hostname, message, raw", a.cfg.Now())
		t.Errorf("the login: %d; there are %v, %v", got, table, err)
	}
	if _, err := a.TakeLogs(t.Context(), []byte("{"), true, "u1"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a broken body: %v", err)
	}
}
