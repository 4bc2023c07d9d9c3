package grams_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/detect/sigma/grams"
)

// check compares the finder with a search for each literal by itself.
func check(t *testing.T, text string, literals []string) {
	t.Helper()
	var patterns []grams.Pattern
	want := []int32{}
	lower := strings.ToLower(text)
	may := false
	for i, l := range literals {
		patterns = append(patterns, grams.Pattern{Literal: l, ID: int32(i)})
		if l != "" && strings.Contains(text, l) {
			want = append(want, int32(i))
		}
		may = may || l != "" && strings.Contains(lower, l)
	}
	f := grams.New(patterns)
	seen := make([]uint32, len(patterns))
	got := f.Scan([]byte(text), seen, 1, []int32{})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q in %q: -want +got\n%s", literals, text, diff)
	}
	for i := range text {
		if text[i] >= 0x80 {
			return
		}
	}
	if may && !f.May([]byte(text)) {
		t.Errorf("%q may not be in %q, but are", literals, text)
	}
}

func TestScan(t *testing.T) {
	check(t, "ushers", []string{"he", "she", "his", "hers", "ush", "ers"})
	check(t, "aaaa", []string{"a", "aa", "aaa", "aaaaa", "aaaa", "aaaa"})
	check(t, "", []string{"a", "", "b"})
	check(t, "abcabc", []string{"abc", "abcd", "bc", "bc", "c"})
	check(t, "an unfolded POWERSHELL text", []string{"powershell", "certutil"})
	check(t, "invoke-mimikatz sekurlsa::logonpasswords", []string{"sekurlsa::", "kerberos::golden", "mimikatz.exe"})
}

// TestCrowded: more literals with one run than a table takes, and long ones.
func TestCrowded(t *testing.T) {
	long := strings.Repeat("abcd", 80)
	literals := []string{long, long + "x", long[:255], long[:256]}
	for i := range 40 {
		literals = append(literals, strings.Repeat("z", 4+i))
	}
	check(t, "-"+long+"-"+strings.Repeat("z", 30), literals)
	check(t, "-"+long[:258], literals)
	check(t, "zzz", literals)
}

// TestMany: of thousands of literals those that are there are found.
func TestMany(t *testing.T) {
	var literals []string
	for i := range 5000 {
		literals = append(literals, fmt.Sprintf(`\windows\system32\tool%d.exe`, i), fmt.Sprintf("id%d", i))
	}
	check(t, `c:\windows\system32\tool77.exe -x c:\windows\system32\tool4999.exe id4`, literals)
}

// TestHostile: a text made of nothing but runs of literals takes no longer than
// a few passes.
func TestHostile(t *testing.T) {
	var patterns []grams.Pattern
	for i := range 3000 {
		patterns = append(patterns, grams.Pattern{Literal: strings.Repeat("a", 5+i%600) + "b", ID: int32(i)})
	}
	f := grams.New(patterns)
	text := []byte(strings.Repeat("a", 1<<18))
	started := time.Now()
	f.Scan(text, make([]uint32, len(patterns)), 1, nil)
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("%v for a quarter of a megabyte", took)
	}
}

// FuzzScan: one pass finds what a search for each literal finds.
func FuzzScan(f *testing.F) {
	f.Add("he she his hers", "ushers")
	f.Add("a aa aaa b ab ba", "aabbaab")
	f.Add("abcdefgh bcdefghi cdefghij", "xxABCDEFGHIJxx")
	f.Add("\xff \x00", "\x00\xff")
	f.Fuzz(func(t *testing.T, literals, text string) { check(t, text, strings.Split(literals, " ")) })
}

func BenchmarkScan(b *testing.B) {
	text := []byte(strings.ToLower(`C:\Program Files\WindowsApps\Vendor.Tool_8wekyb3d8bbwe\bin\agent.exe --type=renderer --field-trial-handle=1718,i,9961,131072 --lang=en-US --device-scale-factor=1`))
	for _, n := range []int{20, 1000, 10000} {
		var patterns, long []grams.Pattern
		for i := range n {
			patterns = append(patterns, grams.Pattern{Literal: fmt.Sprintf("%x", i*7919), ID: int32(i)})
			long = append(long, grams.Pattern{Literal: fmt.Sprintf("sekurlsa::%x", i*7919), ID: int32(i)})
		}
		for name, list := range map[string][]grams.Pattern{"short": patterns, "long": long} {
			f := grams.New(list)
			seen := make([]uint32, n)
			b.Run(fmt.Sprint(name, n), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				var hits []int32
				for i := 0; b.Loop(); i++ {
					hits = f.Scan(text, seen, uint32(i+1), hits[:0])
				}
			})
		}
	}
}
