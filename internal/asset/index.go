package asset

// index finds things by a canonical text: an address or a MAC. Usual ones, an
// IPv4 address and a MAC, are kept by their number: finding one of a million
// costs what is fetched from memory, and a text would be one more fetch.
type index[T any] struct {
	numbers map[uint64]*T
	texts   map[string]*T // the others
}

func newIndex[T any]() index[T] {
	return index[T]{numbers: make(map[uint64]*T), texts: make(map[string]*T)}
}

func (x *index[T]) get(text string) *T {
	if n, ok := number(text); ok {
		return x.numbers[n]
	}
	return x.texts[text]
}

func (x *index[T]) put(text string, v *T) {
	if n, ok := number(text); ok {
		x.numbers[n] = v
		return
	}
	x.texts[text] = v
}

func (x *index[T]) remove(text string) {
	if n, ok := number(text); ok {
		delete(x.numbers, n)
		return
	}
	delete(x.texts, text)
}

func (x *index[T]) len() int { return len(x.numbers) + len(x.texts) }

// number packs a text that is the canonical form of a MAC or of an IPv4
// address. No two texts have one number.
func number(text string) (uint64, bool) {
	if len(text) == 17 && text[2] == ':' {
		return macNumber(text)
	}
	return quadNumber(text)
}

func macNumber(text string) (n uint64, ok bool) {
	var wrong uint8
	for i := 0; i < len("00:11:22:33:44:55"); i += 3 {
		high, low := lowerHex[text[i]], lowerHex[text[i+1]]
		wrong |= high | low
		if i > 0 && text[i-1] != ':' {
			return 0, false
		}
		n = n<<8 | uint64(high)<<4 | uint64(low)
	}
	return n | 1<<63, wrong < 16
}

// lowerHex is the value of a lower-case hexadecimal digit, and more than 15 for
// any other byte.
var lowerHex = func() (t [256]uint8) {
	for i := range t {
		t[i] = 16
	}
	for i, c := range "0123456789abcdef" {
		t[c] = uint8(i)
	}
	return t
}()

func quadNumber(text string) (uint64, bool) {
	if len(text) < len("0.0.0.0") || len(text) > len("255.255.255.255") {
		return 0, false
	}
	var all, part uint64
	dots, digits := 0, 0
	for i := range len(text) {
		c := text[i]
		if c == '.' {
			if digits == 0 {
				return 0, false
			}
			all, part, digits, dots = all<<8|part, 0, 0, dots+1
			continue
		}
		d := uint64(c - '0')
		if c < '0' || d > 9 || digits > 0 && part == 0 {
			return 0, false
		}
		if part = part*10 + d; part > 255 {
			return 0, false
		}
		digits++
	}
	return all<<8 | part, dots == 3 && digits > 0
}
