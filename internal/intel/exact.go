package intel

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// hasher gives each key 128 bits by two hashes with seeds of their own, drawn
// anew for each set, so that nobody can make up a name that collides.
type hasher struct{ front, back maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed(), maphash.MakeSeed()} }

const golden = 0x9e3779b97f4a7c15

// first is the hash for filter and bucket, second the one that is stored.
func (h *hasher) first(t Type, key []byte) uint32 {
	return uint32((maphash.Bytes(h.front, key) ^ uint64(t)*golden) >> 32)
}

func (h *hasher) second(t Type, key []byte) uint64 {
	return maphash.Bytes(h.back, key) ^ uint64(t)*golden
}

// mix4 is the filter's hash of an IPv4 address, without two that are equal (the
// finish of MurmurHash3).
func mix4(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// exact is a sorted set of hashes with a reference each. The first hash of a
// key chooses the bucket and is not stored, the second is, so that a stranger
// is taken for a key with a chance of n/2^(64+bucket bits): with ten million
// keys less than once in 10^18 look-ups. Several sources of one key lie side by side.
type exact struct {
	shift  uint8    // of the first hash, to its bucket
	starts []uint32 // of each bucket, and the end
	keys   []uint64
	refs   []uint32
}

// perBucket is how many keys a bucket has on average at most.
const perBucket = 8

func (x *exact) find(first uint32, second uint64) []uint32 {
	if len(x.keys) == 0 {
		return nil
	}
	b := first >> x.shift
	lo, hi := x.starts[b], x.starts[b+1]
	keys := x.keys[lo:hi]
	at := 0
	if len(keys) > 2*perBucket { // many sources of one key, or a very unlikely seed
		at, _ = slices.BinarySearch(keys, second)
	}
	for at < len(keys) && keys[at] < second {
		at++
	}
	end := at
	for end < len(keys) && keys[end] == second {
		end++
	}
	return x.refs[int(lo)+at : int(lo)+end]
}

// pending is a key that waits to be put into its bucket.
type pending struct {
	second uint64
	first  uint32
	ref    uint32
}

// chunked collects values without copying what is there when it grows.
type chunked[T any] struct {
	chunks [][]T
	n      int
}

const chunkSize = 1 << 16

func (c *chunked[T]) add(v T) {
	if c.n%chunkSize == 0 {
		c.chunks = append(c.chunks, make([]T, 0, chunkSize))
	}
	last := &c.chunks[len(c.chunks)-1]
	*last = append(*last, v)
	c.n++
}

// newExact sorts the pending keys into their buckets: count, place, and sort
// each small bucket.
func newExact(in *chunked[pending]) exact {
	if in.n == 0 {
		return exact{}
	}
	bucketBits := min(bits.Len(uint(in.n/perBucket)), 31)
	x := exact{shift: uint8(32 - bucketBits), starts: make([]uint32, 1<<bucketBits+1)} //nolint:gosec // G115: at most 32
	for _, chunk := range in.chunks {
		for i := range chunk {
			x.starts[chunk[i].first>>x.shift+1]++
		}
	}
	for b := 1; b < len(x.starts); b++ {
		x.starts[b] += x.starts[b-1]
	}
	x.keys, x.refs = make([]uint64, in.n), make([]uint32, in.n)
	next := slices.Clone(x.starts)
	for i, chunk := range in.chunks {
		for _, p := range chunk {
			b := p.first >> x.shift
			x.keys[next[b]], x.refs[next[b]] = p.second, p.ref
			next[b]++
		}
		in.chunks[i] = nil
	}
	x.order()
	return x
}

// order sorts each bucket and leaves out what was given twice.
func (x *exact) order() {
	end := uint32(0)
	lo := x.starts[0]
	for b := range len(x.starts) - 1 {
		hi := x.starts[b+1]
		keys, refs := x.keys[lo:hi], x.refs[lo:hi]
		sortPairs(keys, refs)
		x.starts[b] = end
		for i := range keys {
			if i > 0 && keys[i] == keys[i-1] && refs[i] == refs[i-1] {
				continue
			}
			x.keys[end], x.refs[end] = keys[i], refs[i]
			end++
		}
		lo = hi
	}
	x.starts[len(x.starts)-1] = end
	x.keys, x.refs = x.keys[:end], x.refs[:end]
}

// sortPairs sorts keys with their references; buckets are small, save when
// many sources name one key.
func sortPairs(keys []uint64, refs []uint32) {
	if len(keys) > 64 {
		sortMany(keys, refs)
		return
	}
	for i := 1; i < len(keys); i++ {
		k, r := keys[i], refs[i]
		j := i
		for ; j > 0 && (keys[j-1] > k || keys[j-1] == k && refs[j-1] > r); j-- {
			keys[j], refs[j] = keys[j-1], refs[j-1]
		}
		keys[j], refs[j] = k, r
	}
}

func sortMany(keys []uint64, refs []uint32) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case keys[a] != keys[b]:
			return compare(keys[a], keys[b])
		default:
			return compare(refs[a], refs[b])
		}
	})
	k, r := slices.Clone(keys), slices.Clone(refs)
	for i, from := range order {
		keys[i], refs[i] = k[from], r[from]
	}
}

func compare[T uint32 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (x *exact) bytes() int { return 4*cap(x.starts) + 8*cap(x.keys) + 4*cap(x.refs) }
