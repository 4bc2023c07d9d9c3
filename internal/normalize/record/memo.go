package record

import "strings"

// Memo remembers what was found out about short texts. The most it keeps is
// bounded: when it is full it begins anew.
type Memo[T any] struct{ known map[string]T }

const (
	maxMemo     = 256
	maxMemoText = 64
)

// Of is what find says of key. find must depend on nothing else.
func (m *Memo[T]) Of(key string, find func(string) T) T {
	if v, ok := m.known[key]; ok {
		return v
	}
	if len(key) > maxMemoText {
		return find(key)
	}
	if m.known == nil || len(m.known) >= maxMemo {
		m.known = make(map[string]T)
	}
	key = strings.Clone(key) // it may be a piece of a long record
	v := find(key)
	m.known[key] = v
	return v
}
