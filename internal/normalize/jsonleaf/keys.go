package jsonleaf

// Key is the name of a leaf. A scanner makes one for each name and gives it
// again with the next leaf of that name, so that what a name means must be
// found out only once.
type Key struct {
	Name  string
	ID    uint64 // no other name of this scanner has or had it; never 0
	Means any    // for whoever uses the scanner to keep

	record uint64 // the last record that had the key
	after  *Key   // what came next when it was last met
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
	r.last = k
	if k.record == r.record {
		r.again = true
	}
	k.record = r.record
	return k
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
	k := &Key{Name: name, ID: r.lastID}
	r.known[name] = k
	return k
}
