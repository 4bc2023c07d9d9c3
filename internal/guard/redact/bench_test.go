package redact_test

import (
	"fmt"
	"testing"

	"vedette/internal/guard/redact"
)

// evidence is a set as an answer has it: some fields of each row, and the
// words of the record.
func evidence(rows int) [][2]string {
	var out [][2]string
	for i := range rows {
		out = append(out,
			[2]string{"time", "2026-11-27T10:00:00Z"},
			[2]string{"src_endpoint.ip", fmt.Sprintf("10.20.%d.%d", i%7, i)},
			[2]string{"dst_endpoint.ip", "10.20.1.5"},
			[2]string{"dst_endpoint.hostname", fmt.Sprintf("plc-line%d", i%9)},
			[2]string{"user.name", "anna.meier"},
			[2]string{"message", fmt.Sprintf("Failed password for invalid user operator from 10.20.%d.%d port %d ssh2", i%7, i, 40000+i)},
		)
	}
	return out
}

func BenchmarkFind(b *testing.B) {
	text := "Failed password for invalid user operator from 10.20.3.17 port 40022 ssh2"
	redact.Find(text)
	b.ReportAllocs()
	for b.Loop() {
		redact.Find(text)
	}
}

// BenchmarkHide100Rows is the work of one evidence set of a hundred rows in a
// new conversation, with the last scan, over a catalogue that was made ready
// before, as the door does it. The goal is 20 ms.
func BenchmarkHide100Rows(b *testing.B) {
	rows := evidence(100)
	var c redact.Catalogue
	for i := range 2000 {
		c.Hosts = append(c.Hosts, fmt.Sprintf("plc-line%d", i))
		c.Addresses = append(c.Addresses, fmt.Sprintf("10.20.%d.%d", i/250, i%250))
	}
	redact.Find("warm")
	known := redact.Compile(c)
	b.ReportAllocs()
	for b.Loop() {
		v := redact.NewVaultOf([]byte("key of one conversation"), known)
		var out []byte
		for _, r := range rows {
			out = append(out, v.Hide(r[0], r[1])...)
			out = append(out, '\n')
		}
		if l := v.Leaks(out); len(l) > 0 {
			b.Fatal(l)
		}
	}
}
