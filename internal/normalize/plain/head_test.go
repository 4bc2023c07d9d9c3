package plain

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vedette/internal/normalize/moment"
)

// TestHeads reads what many frameworks for logging put before their words. The lines
// are made up, in the forms that the frameworks document.
func TestHeads(t *testing.T) {
	frame := moment.Frame{Ref: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)}
	for line, want := range map[string]string{
		"2024-05-01 10:00:00,123 INFO boot: ready":                                       "2024-05-01T10:00:00.123Z INFO boot - - ready",
		"2024-05-01 10:00:00,123 WARN [main] org.x.Pump: late":                           "2024-05-01T10:00:00.123Z WARN org.x.Pump - main late",
		"2024-05-01 10:00:00,123 - INFO  [Recv:7:Pump$Valve@49] - late":                  "2024-05-01T10:00:00.123Z INFO Pump$Valve - Recv:7 late",
		"2024-05-01 10:00:00,123 - plant.scada - WARNING - late":                         "2024-05-01T10:00:00.123Z WARNING plant.scada - - late",
		"2024-05-01 10:00:00.123 [main] WARN  c.e.Pump - late":                           "2024-05-01T10:00:00.123Z WARN c.e.Pump - main late",
		"2024-05-01T10:00:00.123Z  INFO 7 --- [nio-1] c.e.Pump : late":                   "2024-05-01T10:00:00.123Z INFO c.e.Pump 7 nio-1 late",
		"2024-05-01 10:00:00.123 UTC [71] op@plant ERROR:  relation is missing":          "2024-05-01T10:00:00.123Z ERROR - 71 - relation is missing",
		"24/05/01 10:00:00 ERROR pump.Valve: stuck":                                      "2024-05-01T10:00:00Z ERROR pump.Valve - - stuck",
		"1.5.2024 10:00:00 WARNING: stuck":                                               "2024-05-01T10:00:00Z WARNING - - - stuck",
		"20240501-10:0:00:606|Pump|300|stuck 7":                                          "2024-05-01T10:00:00.606Z - Pump 300 - stuck 7",
		"[05.01 10:00:00] hmi.exe *64 - opened":                                          "2024-05-01T10:00:00Z - hmi.exe - - opened",
		"05-01 10:00:00.123  71  72 E Pump: stuck":                                       "2024-05-01T10:00:00.123Z ERROR Pump 71 72 stuck",
		"W0501 10:00:00.123456   71 pump.go:114] stuck":                                  "2024-05-01T10:00:00.123456Z WARNING pump.go 71 - stuck",
		"I1231 10:00:00.123456   71 pump.go:114] stuck":                                  "2023-12-31T10:00:00.123456Z INFO pump.go 71 - stuck",
		"ERROR:plant.scada:stuck":                                                        "0001-01-01T00:00:00Z ERROR plant.scada - - stuck",
		"[   12.345678] usb 1-1: new device":                                             "0001-01-01T00:00:00Z - - - - usb 1-1: new device",
		`time="2024-05-01T10:00:00Z" level=warn msg="valve stuck" valve=V7`:              "2024-05-01T10:00:00Z warn - - - valve stuck",
		"- 1714557600 2024.05.01 N1 2024-05-01-10.00.00.363779 N1 RAS KERNEL FATAL halt": "2024-05-01T10:00:00Z FATAL KERNEL - - halt",
		"- 1714557600 2024.05.01 n8 May 1 10:00:01 n8/n8 crond(pam)[29]: closed":         "2024-05-01T10:00:00Z - crond(pam) 29 - closed",
		"app.log 2024-05-01 10:00:00.008 71 INFO pump.valve [req-1 - -] opened":          "2024-05-01T10:00:00.008Z INFO pump.valve 71 - opened",
		"valve 7 of 1714557600 stuck":                                                    "0001-01-01T00:00:00Z - - - - valve 7 of 1714557600 stuck",
		"valve 7 of 9714557600 stuck":                                                    "0001-01-01T00:00:00Z - - - - valve 7 of 9714557600 stuck",
		"just words":                                                                     "0001-01-01T00:00:00Z - - - - just words",
	} {
		h := cutHead(line, frame)
		got := []string{h.when.Format(time.RFC3339Nano)}
		for _, part := range []string{h.level, h.component, h.pid, h.thread, strings.TrimSpace(h.text)} {
			if part == "" {
				part = "-"
			}
			got = append(got, part)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s\n got %s\nwant %s", line, s, want)
		}
	}
	if h := cutHead(`level=info msg=on a=1 b=2`, frame); fmt.Sprint(h.named) != "[[a 1] [b 2]]" {
		t.Errorf("logfmt names %v", h.named)
	}
}

func FuzzCutHead(f *testing.F) {
	for _, line := range []string{"I0501 10:00:00.1 7 a:1] x", "05-01 10:00:00.123 1 2 E P: x", "[  1.345678] x", "t=1 level=", "a b 1714557600 c ERROR d", "20240501-1:1:1:1|a|1|"} {
		f.Add(line)
	}
	frame := moment.Frame{Ref: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, line string) {
		h := cutHead(line, frame)
		if len(h.text) > len(line) || len(h.named) > maxNamed {
			t.Errorf("%q gives %+v", line, h)
		}
	})
}
