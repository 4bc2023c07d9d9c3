package netflow

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// FuzzLearnt: a decoder that is told what another learnt reads on as that one
// does, and learns nothing else by reading the same again.
func FuzzLearnt(f *testing.F) {
	files, _ := filepath.Glob("../testdata/netflow/*")
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var one, two Decoder
		read := func(d *Decoder) (out string) {
			err := d.Message(raw, func(x Flow) { out += fmt.Sprintf("%s %x\n", x.Format, x.Raw) })
			return fmt.Sprint(out, err)
		}
		read(&one)
		told, version := one.Learnt()
		for _, m := range told {
			if err := two.Message(m, func(Flow) { t.Fatal("what was learnt holds a flow") }); err != nil {
				t.Fatalf("%x is not read: %v", m, err)
			}
		}
		if a, b := read(&one), read(&two); a != b {
			t.Fatalf("%x gives\n%s\nand with what was learnt\n%s", raw, a, b)
		}
		if again, now := one.Learnt(); len(again) == len(told) && now < version {
			t.Fatal("the number goes back")
		}
	})
}
