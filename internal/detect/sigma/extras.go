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
}

// maxLength bounds the lengths that are told apart.
const maxLength = 63

// set takes the extras of an event.
func (x *extras) set(of []event.Extra) {
	x.of, x.head, x.next = of, [maxLength + 1]int32{}, x.next[:0]
	for i := range of {
		n := min(len(of[i].Name), maxLength)
		x.next = append(x.next, x.head[n])
		x.head[n] = int32(i) + 1 //nolint:gosec // G115: a number of fields
	}
}

// find returns the place of an extra, or -1.
func (x *extras) find(name string) int {
	for at := x.head[min(len(name), maxLength)]; at != 0; at = x.next[at-1] {
		if x.of[at-1].Name == name {
			return int(at) - 1
		}
	}
	return -1
}

// numbered reports whether there are further values of a name, numbered as
// parsers do it ("Data#2").
func (x *extras) numbered(name string) bool {
	a, b := min(len(name)+2, maxLength), min(len(name)+3, maxLength)
	for at := x.head[a]; at != 0; at = x.next[at-1] {
		if isNumbered(x.of[at-1].Name, name) {
			return true
		}
	}
	for at := x.head[b]; at != 0 && b != a; at = x.next[at-1] {
		if isNumbered(x.of[at-1].Name, name) {
			return true
		}
	}
	return false
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
