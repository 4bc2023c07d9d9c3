package intel

// filter is a Bloom filter whose bits for one key lie in one cache line of 512
// bits (Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom
// Filters, 2007). A look-up that ends here costs one access to memory; about
// one in a hundred strangers gets past it. It is built in one pass and without
// memory of its own, which a binary fuse filter, a little smaller, is not.
type filter struct {
	words  []uint64 // eight a block
	blocks uint64
}

const (
	bitsPerKey = 10
	blockBits  = 512
	blockWords = blockBits / 64
)

// probes are odd numbers by which a hash is multiplied to get a bit of the
// block.
var probes = [6]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b}

func newFilter(keys int) filter {
	if keys == 0 {
		return filter{}
	}
	blocks := (keys*bitsPerKey + blockBits - 1) / blockBits
	return filter{make([]uint64, blocks*blockWords), uint64(blocks)} //nolint:gosec // G115: positive
}

// block returns the words for a hash, which is scaled to the blocks.
func (f *filter) block(h uint32) *[blockWords]uint64 {
	at := uint64(h) * f.blocks >> 32 * blockWords
	return (*[blockWords]uint64)(f.words[at:])
}

func (f *filter) add(h uint32) {
	b := f.block(h)
	for _, p := range probes {
		bit := (h * p) >> 23
		b[bit>>6] |= 1 << (bit & 63)
	}
}

// has reports whether the hash may have been added.
func (f *filter) has(h uint32) bool {
	if f.blocks == 0 {
		return false
	}
	b := f.block(h)
	for _, p := range probes {
		bit := (h * p) >> 23
		if b[bit>>6]&(1<<(bit&63)) == 0 {
			return false
		}
	}
	return true
}
