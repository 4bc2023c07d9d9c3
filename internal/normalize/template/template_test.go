package template

import (
	"fmt"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	tests := []struct{ name, texts, want string }{
		{"numbers", "relay 4 stuck\nrelay 17 stuck", "relay <*> stuck"},
		{"addresses", "peer 192.0.2.7:502 is up\npeer 2001:db8::7 is up", "peer <*> is up"},
		{"words", "session closed for user alpha\nsession closed for user beta", "session closed for user <*>"},
		{"in a word", "block blk_-389 done", "block blk_<*> done"},
		{"hexadecimal", "handle 0x7fef and 38101a0b-2096-447d-96ea-a692162415ae", "handle <*> and <*>"},
		{"paths", "wrote /var/lib/x and C:\\temp\\y in 3.5s", "wrote <*> and <*> in <*>s"},
		{"keys", "uid=0 tty=ssh1 rhost=192.0.2.7", "uid=<*> tty=ssh<*> rhost=<*>"},
		{"nothing", " \t ", ""},
	}
	for _, tt := range tests {
		var m Miner
		uid, got, first := "", "", ""
		for text := range strings.SplitSeq(tt.texts, "\n") {
			if uid, got = m.Learn(text); first == "" {
				first = uid
			}
		}
		if got != tt.want || uid != first {
			t.Errorf("%s: %q (%s, first %s), want %q", tt.name, got, uid, first, tt.want)
		}
	}
}

// TestBounds checks that no source makes the miner grow without end.
func TestBounds(t *testing.T) {
	var m Miner
	for i := range 3 * maxPatterns {
		word := strings.Map(func(r rune) rune { return r + 'a' - '0' }, fmt.Sprint(100_000+i))
		m.Learn(word + " " + strings.Repeat(word+" ", i%7))
	}
	if m.patterns > maxPatterns {
		t.Errorf("%d patterns", m.patterns)
	}
	if uid, _ := m.Learn(strings.Repeat("new ", 50)); uid != "" {
		t.Error("a pattern beyond the limit")
	}
	if m.split(strings.Repeat("a ", 10_000)); len(m.words) > maxWords {
		t.Errorf("%d words", len(m.words))
	}
}

// FuzzLearn checks what holds for any texts: the pattern of a text has its
// words where it is not open, the id of a pattern never changes, and the same
// texts give the same patterns.
func FuzzLearn(f *testing.F) {
	f.Add("a 1\na 2\nb c\nb d e\n0x1f -7 /a/b")
	f.Add("<*> x\n<*> y\n\n12345678901234567890 z")
	f.Fuzz(func(t *testing.T, texts string) {
		var m, again Miner
		for text := range strings.SplitSeq(texts, "\n") {
			uid, pattern := m.Learn(text)
			if uid2, pattern2 := again.Learn(text); uid2 != uid || pattern2 != pattern {
				t.Fatalf("%q: %q, then %q", text, pattern, pattern2)
			}
			if (uid == "") != (pattern == "") {
				t.Errorf("%q: id %q of %q", text, uid, pattern)
			}
			if uid == "" {
				continue
			}
			words := strings.Split(pattern, " ")
			if len(words) != len(m.words) {
				t.Fatalf("%q has %d words, its pattern %q", text, len(m.words), pattern)
			}
			for i, w := range words {
				if w != Any && w != m.words[i] {
					t.Errorf("%q is not of the pattern %q", text, pattern)
				}
			}
		}
		if m.patterns > maxPatterns {
			t.Errorf("%d patterns", m.patterns)
		}
	})
}

// Plain words keep texts apart until there are so many of them that they must be
// names; names after "user" and the like never do.
func TestPlainWords(t *testing.T) {
	var m Miner
	for i, text := range []string{"VM paused (Lifecycle Event)", "VM started (Lifecycle Event)", "VM stopped (Lifecycle Event)", "VM paused (Lifecycle Event)"} {
		if _, got := m.Learn(text); got != text {
			t.Errorf("text %d is %q", i, got)
		}
	}
	last := ""
	for _, name := range []string{"anna", "bert", "carla", "dora", "emil", "frida", "gustav", "hans", "ines"} {
		_, last = m.Learn("the door in hall nine was opened by " + name)
	}
	if last != "the door in hall nine was opened by <*>" {
		t.Errorf("nine names are %q", last)
	}
	m.Learn("session opened for user anna now")
	if _, got := m.Learn("session opened for user bert now"); got != "session opened for user <*> now" {
		t.Errorf("users are %q", got)
	}
}
