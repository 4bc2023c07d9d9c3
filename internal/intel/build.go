package intel

import (
	"math"
	"net/netip"
	"strings"
	"time"
)

// record is the side of an indicator that many share: who says so, how sure,
// since when and how long. It is kept once for all that have the same.
type record struct {
	source, family uint32
	until          uint32 // hours since 2000, rounded up; 0: no end
	first          uint16 // days since 2000; 0: not known
	confidence     uint8
	tlp            TLP
}

const recordBytes = 16

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// hoursOf rounds up, so that nothing ends before its source says.
func hoursOf(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	d := t.Sub(epoch)
	h := int64(d / time.Hour)
	if d%time.Hour > 0 {
		h++
	}
	return uint32(min(max(h, 1), math.MaxUint32))
}

func daysOf(t time.Time) uint16 {
	if t.IsZero() {
		return 0
	}
	return uint16(min(max(int64(t.Sub(epoch)/(24*time.Hour)), 1), math.MaxUint16))
}

// Builder collects indicators into a [Set]. It is not safe for concurrent use.
type Builder struct {
	may    leave
	hash   hasher
	hashed chunked[pending]
	v4     chunked[uint64]
	marks  chunked[uint32] // of the filter alone
	nets   []prefix
	lens6  [129]bool
	counts [numTypes]int
	labels int // of the deepest domain

	words   []string
	wordOf  map[string]uint32
	vouched map[uint32]time.Time // by the word of the source
	records []record
	refOf   map[record]uint32
}

// NewBuilder makes an empty builder.
func NewBuilder() *Builder {
	b := &Builder{hash: newHasher(), wordOf: map[string]uint32{}, refOf: map[record]uint32{}}
	b.word("")
	return b
}

// NewAllowBuilder makes a builder for an allow-list, which may name private
// ranges, wide subnets and public suffixes.
func NewAllowBuilder() *Builder {
	b := NewBuilder()
	b.may = everything
	return b
}

func (b *Builder) word(text string) uint32 {
	if w, ok := b.wordOf[text]; ok {
		return w
	}
	w := uint32(len(b.words)) //nolint:gosec // G115: fewer words than that
	text = strings.Clone(text)
	b.words = append(b.words, text)
	b.wordOf[text] = w
	return w
}

func (b *Builder) ref(in *Indicator) uint32 {
	r := record{
		source: b.word(in.Source), family: b.word(in.Packed()), until: hoursOf(in.Until), first: daysOf(in.First),
		confidence: uint8(min(max(in.Confidence, 0), 100)), tlp: in.TLP,
	}
	if n := len(b.records); n > 0 && b.records[n-1] == r {
		return uint32(n - 1) //nolint:gosec // G115: fewer records than that
	}
	if at, ok := b.refOf[r]; ok {
		return at
	}
	at := uint32(len(b.records)) //nolint:gosec // G115: fewer records than that
	b.records = append(b.records, r)
	b.refOf[r] = at
	return at
}

// Add takes an indicator whose value is in normal form. The error is a
// [Problem]: it would match what everyone has, or is not of its type.
func (b *Builder) Add(in Indicator) error { return b.add(in, b.may) }

// AddPrivate is Add for a feed that may name ranges that are not on the
// internet.
func (b *Builder) AddPrivate(in Indicator) error { return b.add(in, max(b.may, privateToo)) }

func (b *Builder) add(in Indicator, may leave) error {
	if in.Type == None || in.Type >= numTypes {
		return ErrType
	}
	if err := refuse(in.Type, in.Value, may); err != nil {
		return err
	}
	ref := b.ref(&in)
	switch in.Type {
	case IP:
		b.addIP(netip.MustParseAddr(in.Value), ref) // refuse has parsed it
	case Subnet:
		b.addSubnet(netip.MustParsePrefix(in.Value), ref, may != strict)
	case Endpoint:
		key := endpointKey(netip.MustParseAddrPort(in.Value))
		b.addHash(Endpoint, key[:], ref)
	case Domain:
		b.labels = max(b.labels, strings.Count(in.Value, ".")+1)
		b.addHash(Domain, []byte(in.Value), ref)
		b.mark(Domain, in.Value, in.Value[lastTwo([]byte(in.Value)):])
	case URL:
		b.addHash(URL, []byte(in.Value), ref)
		b.mark(URL, in.Value, in.Value[:strings.IndexByte(in.Value, '/')+1])
	default:
		b.addHash(in.Type, []byte(in.Value), ref)
	}
	b.counts[in.Type]++
	return nil
}

func (b *Builder) addIP(a netip.Addr, ref uint32) {
	if a.Is4() {
		b.v4.add(uint64(asUint32(a))<<32 | uint64(ref))
		return
	}
	key := a.As16()
	b.addHash(IP, key[:], ref)
}

func (b *Builder) addSubnet(p netip.Prefix, ref uint32, local bool) {
	if p.Addr().Is4() {
		b.nets = append(b.nets, prefix{addr: asUint32(p.Masked().Addr()), bits: uint8(p.Bits()), ref: ref, local: local}) //nolint:gosec // G115: at most 32
		return
	}
	key := subnetKey(p)
	b.addHash(Subnet, key[:], ref)
	b.lens6[p.Bits()] = true
}

func endpointKey(ap netip.AddrPort) [18]byte {
	var key [18]byte
	a := ap.Addr().As16()
	copy(key[:], a[:])
	key[16], key[17] = byte(ap.Port()>>8), byte(ap.Port()) //nolint:gosec // G115: the halves
	return key
}

func subnetKey(p netip.Prefix) [17]byte {
	var key [17]byte
	a := p.Masked().Addr().As16()
	copy(key[:], a[:])
	key[16] = byte(p.Bits()) //nolint:gosec // G115: at most 128
	return key
}

func (b *Builder) addHash(t Type, key []byte, ref uint32) {
	b.hashed.add(pending{b.hash.second(t, key), b.hash.first(t, key), ref})
}

// mark puts into the filter alone what a look-up asks for first: the last two
// labels of a name, the site of a URL. When they are not in it, neither is
// anything below them, and one access to memory has told.
func (b *Builder) mark(t Type, value, of string) {
	if value != of {
		b.marks.add(b.hash.first(t, []byte(of)))
	}
}

// Len is how many indicators were taken.
func (b *Builder) Len() int {
	n := 0
	for _, c := range b.counts {
		n += c
	}
	return n
}

// Build makes the set and empties the builder.
func (b *Builder) Build() *Set {
	s := &Set{hash: b.hash, words: b.words, records: b.records, counts: b.counts, labels: b.labels, vouched: b.vouched}
	for n, used := range b.lens6 {
		if used {
			s.lens6 = append(s.lens6, uint8(n))
		}
	}
	for t, n := range b.counts {
		if n > 0 {
			s.kinds |= 1 << t
		}
	}
	s.filter = newFilter(b.hashed.n + b.v4.n + b.marks.n)
	s.fill(b)
	s.exact = newExact(&b.hashed)
	s.v4 = newAddresses(&b.v4)
	s.nets = newSubnets(b.nets)
	*b = *NewBuilder()
	return s
}
