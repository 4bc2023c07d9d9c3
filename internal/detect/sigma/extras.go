package sigma

import (
	"strings"

	"vedette/internal/event"
)

// extras finds extras by name without a look at the names of most: by their
// lengths first. Of two with one name the later counts.
type extras struct {
	of   []event.Extra
	head [maxLength + 1]int32 // by length of the name: the last such extra plus one; 0: none
	next []int32              // by extra: the one of that length before it plus one

	sorted bool // head and next are of this event
	asked  int  // names that were looked for before
}

const (
	maxLength = 63 // longer names stand together
	maxAsked  = 2  // names for which putting extras together does not pay
)

// set takes the extras of an event.
func (x *extras) set(of []event.Extra) {
	x.of, x.sorted, x.asked = of, false, 0
}

// sort puts them together by length.
func (x *extras) sort() {
	x.sorted = true
	x.head, x.next = [maxLength + 1]int32{}, x.next[:0]
	for i := range x.of {
		n := min(len(x.of[i].Name), maxLength)
		x.next = append(x.next, x.head[n])
		x.head[n] = int32(i) + 1
	}
}

// find returns the place of an extra, or -1, and whether there are further
// values of the name, numbered as parsers do it ("Data#2").
func (x *extras) find(name string) (at int, more bool) {
	if !x.sorted {
		if x.asked++; x.asked <= maxAsked {
			return x.search(name)
		}
		x.sort()
	}
	at = -1
	a, b := min(len(name)+2, maxLength), min(len(name)+3, maxLength)
	for i := x.head[min(len(name), maxLength)]; i != 0 && at < 0; i = x.next[i-1] {
		if x.of[i-1].Name == name {
			at = int(i) - 1
		}
	}
	for i := x.head[a]; i != 0 && !more; i = x.next[i-1] {
		more = isNumbered(x.of[i-1].Name, name)
	}
	for i := x.head[b]; i != 0 && !more && b != a; i = x.next[i-1] {
		more = isNumbered(x.of[i-1].Name, name)
	}
	return at, more
}

// search is find for the first few names that are asked for.
func (x *extras) search(name string) (at int, more bool) {
	at = -1
	for i := range x.of {
		switch other := x.of[i].Name; len(other) - len(name) {
		case 0:
			if other == name {
				at = i
			}
		case 2, 3:
			more = more || isNumbered(other, name)
		}
	}
	return at, more
}

// isNumbered reports whether a name is base with a number of one or two digits.
func isNumbered(name, base string) bool {
	n := len(base)
	if n == 0 || len(name) < n+2 || len(name) > n+3 || name[n] != '#' || !strings.HasPrefix(name, base) {
		return false
	}
	for _, c := range []byte(name[n+1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
