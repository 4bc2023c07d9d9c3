package capfile

import (
	"encoding/binary"

	"vedette/internal/fault"
	"vedette/internal/pcapfilter"
)

// Fitting gives what tells whether a record that the function of [Cut] gave is of a
// packet that a filter takes. It belongs to one goroutine. A packet of a link that
// no filter reads is an error.
func Fitting(f *pcapfilter.Filter) func(raw []byte) (bool, error) {
	byLink := map[uint16]func([]byte) bool{}
	return func(raw []byte) (bool, error) {
		if len(raw) < headerSize {
			return false, fault.New(fault.Invalid, "a record without the header of a packet")
		}
		link := binary.BigEndian.Uint16(raw[8:])
		fits, ok := byLink[link]
		if !ok {
			var err error
			if fits, err = f.Matcher(link); err != nil {
				return false, err //nolint:wrapcheck // says it all
			}
			byLink[link] = fits
		}
		return fits(raw[headerSize:]), nil
	}
}
