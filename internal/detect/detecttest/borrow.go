package detecttest

import (
	"unsafe"

	"vedette/internal/event"
)

// borrow copies an event whose texts then lie in one piece of memory that the
// caller may overwrite, as those of a parser do.
func borrow(to, from *event.Event) []byte {
	size := 0
	for _, s := range from.Slots() {
		size += len(from.Str(s))
	}
	for _, x := range from.Extras() {
		size += len(x.Value)
	}
	arena := make([]byte, 0, size)
	text := func(v string) string {
		if v == "" {
			return ""
		}
		at := len(arena)
		arena = append(arena, v...) // never moves: it was made large enough
		return unsafe.String(&arena[at], len(v))
	}
	for _, s := range from.Slots() {
		switch event.KindOf(s) {
		case event.String, event.IP:
			to.SetStr(s, text(from.Str(s)))
		case event.Float:
			to.SetFloat(s, from.Float(s))
		case event.Int, event.Time:
			to.SetInt(s, from.Int(s))
		case event.Bool:
			to.SetBool(s, from.Bool(s))
		case event.List:
			to.SetList(s, from.List(s))
		}
	}
	for _, x := range from.Extras() {
		to.AddExtra(x.Name, text(x.Value))
	}
	return arena
}
