package opcua

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"vedette/internal/normalize/wire/ot/ics"
)

// node is a NodeId (part 6, section 5.2.2.9).
type node struct {
	namespace int
	number    int
	numeric   bool
	text      string
}

func (n node) String() string {
	prefix := ""
	if n.namespace != 0 {
		prefix = "ns=" + strconv.Itoa(n.namespace) + ";"
	}
	if n.numeric {
		return prefix + "i=" + strconv.Itoa(n.number)
	}
	return prefix + n.text
}

func readNode(r *ics.Reader) node {
	kind := r.U8()
	n := node{}
	switch kind & 0x3f {
	case 0:
		n.numeric, n.number = true, r.U8()
	case 1:
		n.numeric, n.namespace, n.number = true, r.U8(), r.LE16()
	case 2:
		n.numeric, n.namespace, n.number = true, r.LE16(), r.LE32()
	case 3:
		n.namespace = r.LE16()
		n.text = "s=" + str(r)
	case 4:
		n.namespace = r.LE16()
		n.text = "g=" + guid(r)
	case 5:
		n.namespace = r.LE16()
		n.text = "b=" + ics.Hex(blob(r))
	default:
		r.Skip(-1) // no node: nothing after it can be read
	}
	if kind&0x80 != 0 {
		str(r) // the namespace by name
	}
	if kind&0x40 != 0 {
		r.Skip(4) // the server
	}
	return n
}

func guid(r *ics.Reader) string {
	a, b, c := r.LE32(), r.LE16(), r.LE16()
	d := r.Bytes(8)
	if d == nil {
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", a, b, c, d[:2], d[2:])
}

// blob reads bytes with their length before; -1 says that there are none.
func blob(r *ics.Reader) []byte {
	n := r.LE32()
	if uint32(n) == math.MaxUint32 { //nolint:gosec // G115: only the bits matter
		return nil
	}
	return r.Bytes(n)
}

func str(r *ics.Reader) string { return ics.Text(blob(r)) }

// localized reads a LocalizedText.
func localized(r *ics.Reader) string {
	mask := r.U8()
	if mask&1 != 0 {
		blob(r)
	}
	if mask&2 != 0 {
		return str(r)
	}
	return ""
}

// count reads the length of an array; there is no room for more elements than
// bytes.
func count(r *ics.Reader) int {
	n := r.LE32()
	if uint32(n) == math.MaxUint32 { //nolint:gosec // G115: only the bits matter
		return 0
	}
	if n < 0 || n > r.Len() {
		r.Skip(-1)
		return 0
	}
	return n
}

func skipStrings(r *ics.Reader) {
	for range count(r) {
		blob(r)
	}
}

// skipExtension passes over an ExtensionObject and returns its type and body.
func extension(r *ics.Reader) (node, *ics.Reader) {
	id := readNode(r)
	if r.U8() == 0 {
		return id, ics.NewReader(nil)
	}
	return id, ics.NewReader(blob(r))
}

const maxVariantDepth = 4

// variant reads a Variant as text (section 5.2.2.16). Of a type that is not
// read it returns what it is and makes r fail: what follows cannot be found.
func variant(r *ics.Reader, depth int) string {
	mask := r.U8()
	kind := mask & 0x3f
	if mask&0x80 == 0 {
		return scalar(r, kind, depth)
	}
	var l ics.List
	for range count(r) {
		v := scalar(r, kind, depth)
		if !r.OK() {
			break
		}
		l.Add(v)
	}
	if mask&0x40 != 0 {
		for range count(r) {
			r.Skip(4)
		}
	}
	return l.String()
}

func scalar(r *ics.Reader, kind, depth int) string {
	switch kind {
	case 0:
		return ""
	case 1:
		return strconv.FormatBool(r.U8() != 0)
	case 2:
		return strconv.Itoa(int(int8(r.U8()))) //nolint:gosec // G115: 8 bits with a sign
	case 3:
		return strconv.Itoa(r.U8())
	case 4:
		return strconv.Itoa(int(int16(r.LE16()))) //nolint:gosec // G115: 16 bits with a sign
	case 5:
		return strconv.Itoa(r.LE16())
	case 6:
		return strconv.Itoa(int(int32(r.LE32()))) //nolint:gosec // G115: 32 bits with a sign
	case 7:
		return strconv.Itoa(r.LE32())
	case 8:
		return strconv.FormatInt(int64(r.LE64()), 10) //nolint:gosec // G115: 64 bits with a sign
	case 9:
		return strconv.FormatUint(r.LE64(), 10)
	case 10:
		return strconv.FormatFloat(float64(math.Float32frombits(uint32(r.LE32()))), 'g', -1, 32) //nolint:gosec // G115: 32 bits were read
	case 11:
		return strconv.FormatFloat(math.Float64frombits(r.LE64()), 'g', -1, 64)
	case 12, 16:
		return str(r)
	case 13:
		return instant(r.LE64())
	case 14:
		return guid(r)
	case 15:
		return ics.Hex(blob(r))
	case 17, 18:
		return readNode(r).String()
	case 19:
		return statusName(r.LE32())
	case 20:
		r.Skip(2)
		return str(r)
	case 21:
		return localized(r)
	case 22:
		id, _ := extension(r)
		return "object of type " + id.String()
	case 23:
		if depth < maxVariantDepth {
			v, _ := dataValue(r, depth+1)
			return v
		}
	case 24:
		if depth < maxVariantDepth {
			return variant(r, depth+1)
		}
	}
	r.Skip(-1)
	return "type " + strconv.Itoa(kind)
}

// instant writes a DateTime: steps of 100 ns since 1601.
func instant(v uint64) string {
	const toUnix = 116444736000000000
	if v < toUnix || v > 1<<62 {
		return strconv.FormatUint(v, 10)
	}
	v -= toUnix
	return time.Unix(int64(v/1e7), int64(v%1e7)*100).UTC().Format(time.RFC3339Nano)
}

// dataValue reads a DataValue (section 5.2.2.17): its value and status.
func dataValue(r *ics.Reader, depth int) (string, int) {
	mask := r.U8()
	v, status := "", 0
	if mask&1 != 0 {
		v = variant(r, depth)
	}
	if mask&2 != 0 {
		status = r.LE32()
	}
	for _, part := range [...]struct{ bit, bytes int }{{4, 8}, {16, 2}, {8, 8}, {32, 2}} {
		if mask&part.bit != 0 {
			r.Skip(part.bytes)
		}
	}
	return v, status
}
