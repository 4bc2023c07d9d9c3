package edge

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const conn = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n" +
	"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\n" +
	"1536925231.782367\tCWvYyO2Q6eDHdbzN0f\t10.0.0.1\t5353\t10.0.0.2\t502\ttcp\n"

func TestMainCommands(t *testing.T) {
	dir := t.TempDir()
	good, rubbish := filepath.Join(dir, "conn.log"), filepath.Join(dir, "rubbish.log")
	if err := os.WriteFile(good, []byte(conn), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rubbish, []byte("\x00\x01\x02\x03\x00\x00\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		args          []string
		in            string
		code          int
		out, errorOut string // parts
	}{
		{"nothing", nil, "", exitUsage, "", "vedette-edge parse"},
		{"help", []string{"help"}, "", exitOK, "exit codes", ""},
		{"version", []string{"version"}, "", exitOK, "v1", ""},
		{"formats", []string{"formats"}, "", exitOK, "zeek", ""},
		{"unknown", []string{"dance"}, "", exitUsage, "", `no command "dance"`},
		{"no path", []string{"parse"}, "", exitUsage, "", "needs a path"},
		{"file", []string{"parse", good}, "", exitOK, `"dst_endpoint.ip":"10.0.0.2"`, ""},
		{"standard input", []string{"parse", "-"}, conn, exitOK, `"src_endpoint.ip":"10.0.0.1"`, ""},
		{"rejected", []string{"parse", good, rubbish}, "", exitRejected, `"10.0.0.2"`, "rejected 1"},
		{"missing", []string{"parse", filepath.Join(dir, "none")}, "", exitFailed, "", "none"},
		{"wrong format", []string{"parse", "--format", "x", good}, "", exitFailed, "", "no format"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errorOut bytes.Buffer
			code := Main(t.Context(), "v1", tt.args, Streams{strings.NewReader(tt.in), &out, &errorOut}, time.Now)
			if code != tt.code || !strings.Contains(out.String(), tt.out) || !strings.Contains(errorOut.String(), tt.errorOut) {
				t.Errorf("code %d, out %q, err %q", code, out.String(), errorOut.String())
			}
			if tt.code == exitOK && errorOut.Len() > 0 {
				t.Errorf("err %q", errorOut.String())
			}
		})
	}
}
