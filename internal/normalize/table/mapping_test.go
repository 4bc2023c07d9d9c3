package table

import (
	"reflect"
	"strings"
	"testing"
)

// TestMapping writes a mapping as a line and reads it again; what names no
// field, class, time or log is refused before a row is read.
func TestMapping(t *testing.T) {
	good := Mapping{
		Columns: map[string]string{"Wann": "time", "Wer": "user", "Rest": "-", "Strom": "measure"}, TimeFormat: "02.01.2006 15:04",
		Class: "authentication", LogName: "doors/badge", Product: "Doorkeeper", Delimiter: ";",
	}
	line, err := good.Line()
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseMapping(strings.TrimSuffix(string(line), "\n"))
	if err != nil || !reflect.DeepEqual(*got, good) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, bad := range map[string]Mapping{
		"a field that is none":    {Columns: map[string]string{"a": "colour"}},
		"a field of ours":         {Columns: map[string]string{"a": "label.integrity"}},
		"a field of the devices":  {Columns: map[string]string{"a": "device.type"}},
		"a class that is none":    {Class: "cats"},
		"a long delimiter":        {Delimiter: ";;"},
		"a time format of words":  {TimeFormat: "yyyy"},
		"a log name that climbs":  {LogName: "../x"},
		"a log name of one word":  {LogName: "x"},
		"a log name with a space": {LogName: "a/b c"},
	} {
		if _, err := bad.Line(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestSplit cuts rows as RFC 4180 says, and as tools write them.
func TestSplit(t *testing.T) {
	for row, want := range map[string][]string{
		`a,b,`:              {"a", "b", ""},
		`"a,b",c`:           {"a,b", "c"},
		`"say ""hi""",c`:    {`say "hi"`, "c"},
		`5" pipe,c`:         {`5" pipe`, "c"},
		`"a"b,c`:            {"ab", "c"},
		``:                  {""},
		"\"two\nlines\",\"": {"two\nlines", ""},
	} {
		got, open := split(row, ',', nil)
		if !reflect.DeepEqual(got, want) || open != strings.HasSuffix(row, `,"`) {
			t.Errorf("%q gave %q, %v", row, got, open)
		}
	}
}
