package jsonleaf

import "unicode/utf8"

// Key is the name of a leaf. A scanner makes one for each name and gives it
// again with the next leaf of that name, so that what a name means must be
// found out only once.
type Key struct {
	Name  string
	ID    uint64 // no other name of this scanner has or had it; never 0
	Means any    // for whoever uses the scanner to keep

	written string // as a key that is in no other stands before its value, usually
	record  uint64 // the last record that had the key
	after   *Key   // what came next when it was last met
}

// keyRing knows the names that came lately. The most it keeps is bounded: when
// it is full it begins anew.
type keyRing struct {
	known  map[string]*Key
	lastID uint64
	record uint64
	again  bool // two leaves of this record may have the same name

	start Key // stands before the first key of a record
	last  *Key
}

const maxKnownKeys = 2048

// next begins a record.
func (r *keyRing) next() {
	r.record++
	r.again = false
	r.last = &r.start
}

// key is the key of that name; name may be reused. Most records have the same
// keys in the same order as one before.
func (r *keyRing) key(name []byte) *Key {
	k := r.last.after
	if k == nil || k.Name != string(name) {
		k = r.find(name)
		r.last.after = k
	}
	r.take(k)
	return k
}

// likely is the key that came next last time, if the record is in no other
// object: one of outer bytes.
func (r *keyRing) likely(outer int) *Key {
	if outer > 0 {
		return nil
	}
	return r.last.after
}

// take notes that the key is met.
func (r *keyRing) take(k *Key) {
	r.last = k
	if k.record == r.record {
		r.again = true
	}
	k.record = r.record
}

func (r *keyRing) find(name []byte) *Key {
	if k, known := r.known[string(name)]; known {
		return k
	}
	return r.learn(string(name))
}

func (r *keyRing) learn(name string) *Key {
	if r.known == nil || len(r.known) >= maxKnownKeys {
		r.again = r.known != nil // what this record had so far is forgotten too
		r.known = make(map[string]*Key)
		r.start.after, r.last = nil, &r.start // a forgotten key must not be met again
	}
	r.lastID++
	k := &Key{Name: name, ID: r.lastID, written: written(name)}
	r.known[name] = k
	return k
}

// written is how a key stands before its value: in quotes, with the colon. A
// key that needs escapes is never met so.
func written(name string) string {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return noKey
		}
	}
	return `"` + name + `":`
}

const noKey = "no key begins so"
