package telemetry

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

var (
	errCutOff   = errors.New("the protobuf message breaks off")
	errProtobuf = errors.New("not a protobuf message")
)

// field is one field of a protobuf message (protobuf.dev, "Encoding"): a number
// in num, or bytes.
type field struct {
	number int
	num    uint64
	bytes  []byte
}

// eachField calls take for each field of a message.
func eachField(b []byte, take func(f field) error) error {
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return errProtobuf
		}
		f := field{number: int(tag >> 3)}
		size, err := f.read(b[n:], tag&7)
		if err != nil {
			return err
		}
		b = b[n+size:]
		if err := take(f); err != nil {
			return err
		}
	}
	return nil
}

// read reads the value, by its wire type, and is how many bytes it takes.
func (f *field) read(b []byte, wire uint64) (size int, err error) {
	switch {
	case wire == 0:
		v, n := binary.Uvarint(b)
		if n < 0 {
			return 0, errProtobuf
		}
		if n == 0 {
			return 0, errCutOff
		}
		f.num = v
		return n, nil
	case wire == 1 && len(b) >= 8:
		f.num = binary.LittleEndian.Uint64(b)
		return 8, nil
	case wire == 5 && len(b) >= 4:
		f.num = uint64(binary.LittleEndian.Uint32(b))
		return 4, nil
	case wire == 2:
		length, n := binary.Uvarint(b)
		if n <= 0 || length > MaxPayload {
			return 0, errProtobuf
		}
		if size = n + int(length); size > len(b) {
			return 0, errCutOff
		}
		f.bytes = b[n:size]
		return size, nil
	case wire == 1, wire == 5:
		return 0, errCutOff
	}
	return 0, errProtobuf
}

// spPayload is a Payload of sparkplug_b.proto.
type spPayload struct {
	timestamp, seq uint64
	hasSeq         bool
	metrics        []spMetric
	uuid           string
	body           []byte
}

func (p *spPayload) when() time.Time { return spTime(p.timestamp) }

// readPayload reads a payload; what was read before it broke off is returned
// with the error.
func readPayload(b []byte) (p spPayload, err error) {
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			p.timestamp = f.num
		case 2:
			m, err := readMetric(f.bytes)
			if err != nil {
				return errProtobuf
			}
			if len(p.metrics) <= maxReadings {
				p.metrics = append(p.metrics, m)
			}
		case 3:
			p.seq, p.hasSeq = f.num, true
		case 4:
			p.uuid = string(f.bytes)
		case 5:
			p.body = f.bytes
		}
		return nil
	})
	return p, err
}

// spMetric is a Payload.Metric; has is the number of its value's field.
type spMetric struct {
	name                        string
	alias, timestamp, datatype  uint64
	aliased                     bool
	historical, transient, null bool
	unit                        string
	properties                  []event.Extra
	has                         int
	num                         uint64
	bytes                       []byte
}

func readMetric(b []byte) (m spMetric, err error) {
	err = eachField(b, func(f field) error {
		switch f.number {
		case 1:
			m.name = record.Text(f.bytes)
		case 2:
			m.alias, m.aliased = f.num, true
		case 3:
			m.timestamp = f.num
		case 4:
			m.datatype = f.num
		case 5:
			m.historical = f.num != 0
		case 6:
			m.transient = f.num != 0
		case 7:
			m.null = f.num != 0
		case 9:
			return m.readProperties(f.bytes)
		case 10, 11, 12, 13, 14, 15, 16, 17, 18:
			m.has, m.num, m.bytes = f.number, f.num, f.bytes
		}
		return nil
	})
	return m, err
}

// readProperties reads a PropertySet: its keys, and as many values. The unit is
// under "engUnit" by custom.
func (m *spMetric) readProperties(b []byte) error {
	var keys, values []string
	err := eachField(b, func(f field) error {
		switch {
		case f.number == 1 && len(keys) < maxAttributes:
			keys = append(keys, record.Text(f.bytes))
		case f.number == 2 && len(values) < maxAttributes:
			v, err := readProperty(f.bytes)
			values = append(values, v)
			return err
		}
		return nil
	})
	for i, key := range keys[:min(len(keys), len(values))] {
		switch plainKey(key) {
		case "engunit", "unit", "units":
			m.unit = values[i]
		default:
			m.properties = append(m.properties, event.Extra{Name: "properties." + cut(key), Value: values[i]})
		}
	}
	return err
}

// readProperty reads a PropertyValue. Sets and lists in it are left out.
func readProperty(b []byte) (text string, err error) {
	err = eachField(b, func(f field) error {
		switch f.number {
		case 3, 4:
			text = strconv.FormatUint(f.num, 10)
		case 5:
			text = strconv.FormatFloat(float64(math.Float32frombits(uint32(f.num))), 'g', -1, 32) //nolint:gosec // G115: four bytes
		case 6:
			text = strconv.FormatFloat(math.Float64frombits(f.num), 'g', -1, 64)
		case 7:
			text = strconv.FormatBool(f.num != 0)
		case 8:
			text = record.Text(f.bytes)
		}
		return nil
	})
	return text, err
}

// datatypes are those of the DataType enumeration, in its order.
var datatypes = [...]string{
	"Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean", "String", "DateTime", "Text", "UUID",
	"DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList", "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array",
	"UInt16Array", "UInt32Array", "UInt64Array", "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
}

const lastDatatype = uint64(len(datatypes) - 1)

func datatypeName(n uint64) string {
	if n > lastDatatype {
		return strconv.FormatUint(n, 10)
	}
	return datatypes[n]
}

// value puts the value in. Negative numbers are two's complement in as many
// bits as the datatype has.
func (m *spMetric) value(r *Reading) {
	switch m.has {
	case 10:
		r.integer(signed(m.num, m.datatype))
	case 11:
		if m.datatype == 13 { // DateTime
			r.Text = spTime(m.num).Format(time.RFC3339Nano)
			return
		}
		r.integer(signed(m.num, m.datatype))
	case 12:
		r.number(strconv.FormatFloat(float64(math.Float32frombits(uint32(m.num))), 'g', -1, 32)) //nolint:gosec // G115: four bytes
	case 13:
		r.number(strconv.FormatFloat(math.Float64frombits(m.num), 'g', -1, 64))
	case 14:
		r.truth(m.num != 0)
	case 15:
		r.Text = record.Text(m.bytes)
	case 16:
		r.Text = base64.StdEncoding.EncodeToString(m.bytes)
	case 17, 18: // a table or a template: it is not read
		r.More = append(r.More, event.Extra{Name: "sparkplug.value_bytes", Value: strconv.Itoa(len(m.bytes))})
	}
}

// signed gives an integer's text by its datatype.
func signed(v, datatype uint64) string {
	//nolint:gosec // G115: the bits are those of the type
	switch datatype {
	case 1:
		return strconv.FormatInt(int64(int8(v)), 10)
	case 2:
		return strconv.FormatInt(int64(int16(v)), 10)
	case 3:
		return strconv.FormatInt(int64(int32(v)), 10)
	case 4:
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatUint(v, 10)
}

// integer sets a whole number, with its text where a float is not all of it.
func (r *Reading) integer(text string) {
	if r.number(text); len(text) > 15 {
		r.Text = text
	}
}
