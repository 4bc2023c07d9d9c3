package s7

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// item is one variable: count elements of a type from an address on.
type item struct {
	object, kind   string
	at, bit, count int
}

const maxItems = 64

// items reads the list of variables of a job.
func items(r *ics.Reader) (all []item) {
	n := r.U8()
	for i := 0; i < n && i < maxItems && r.OK(); i++ {
		spec := r.U8()
		s := r.Sub(r.U8())
		if spec != 0x12 {
			return all
		}
		if r.Len()%2 == 1 && s.Len()%2 == 1 && r.Peek()[0] == 0 {
			r.Skip(1) // filled up to an even length
		}
		if s.U8() != 0x10 { // symbolic, or of a drive
			all = append(all, item{object: "symbolic " + ics.Hex(s.Rest())})
			continue
		}
		it := item{kind: transportSizes[s.U8()], count: s.BE16()}
		db, area := s.BE16(), s.U8()
		bits := s.U8()<<16 | s.BE16()
		it.object, it.at, it.bit = nameOf(areas, area), bits>>3, bits&7
		switch area {
		case 0x84, 0x85:
			it.object += strconv.Itoa(db)
		case 0x1c, 0x1d:
			it.at, it.bit = bits, 0
		}
		if s.OK() {
			all = append(all, it)
		}
	}
	return all
}

func (it *item) set(e *event.Event) {
	e.SetICSObject(it.object)
	if it.kind == "" {
		return
	}
	e.SetICSAddress(int64(it.at))
	e.SetICSQuantity(int64(it.count))
	e.AddExtra("data_type", it.kind)
	if it.kind == "BIT" {
		e.AddExtra("bit", strconv.Itoa(it.bit))
	}
}

// element is the value of one variable in a write job or a read answer.
type element struct {
	code int
	data []byte
}

func elements(r *ics.Reader) (all []element) {
	for r.Len() > 0 && len(all) < maxItems {
		v := element{code: r.U8()}
		if r.Len() == 0 {
			return append(all, v)
		}
		kind, n := r.U8(), r.BE16()
		if kind >= 3 && kind <= 5 {
			n = (n + 7) / 8 // told in bits
		}
		v.data = r.Bytes(min(n, r.Len()))
		if n%2 == 1 && r.Len() > 0 {
			r.Skip(1)
		}
		all = append(all, v)
	}
	return all
}

// variables tells of each variable that is read or written.
func (m *message) variables(q *request, begin func() *event.Event) {
	var got []element
	switch {
	case m.kind == job:
		q.items = items(m.param)
		if q.function == fnWrite {
			got = elements(m.data)
		}
	case q.function == fnRead:
		got = elements(m.data)
	default: // a write is answered with a code for each variable
		for _, c := range m.data.Rest() {
			got = append(got, element{code: int(c)})
		}
	}
	for i := 0; i < max(len(q.items), 1) && i < maxItems; i++ {
		e := begin()
		if i < len(q.items) {
			q.items[i].set(e)
		}
		if i < len(got) {
			e.SetICSValue(ics.Hex(got[i].data))
			if m.kind != job && m.class == 0 && got[i].code != 0xff {
				ics.Bad(e, nameOf(returnCodes, got[i].code))
			}
		}
		m.out.Emit(e, m.raw)
	}
}

// job1 reads the parameters of a job other than reading and writing.
func job1(e *event.Event, fn int, r *ics.Reader) {
	switch fn {
	case fnSetup:
		setup(e, r)
	case fnRequestDownload, fnDownload, fnDownloadEnded, fnStartUpload, fnUpload, fnEndUpload:
		e.AddExtra("function_status", ics.Code(r.U8(), 2))
		r.Skip(2)
		e.AddExtra("session_id", strconv.Itoa(r.BE32()))
		if r.Len() > 0 {
			block(e, ics.Text(r.Bytes(r.U8())))
		}
	case fnControl:
		r.Skip(7)
		argument := r.Bytes(r.BE16())
		control(e, ics.Text(r.Bytes(r.U8())))
		e.SetICSValue(ics.Text(argument))
	case fnStop:
		r.Skip(5)
		e.AddExtra("subfunction_code", ics.Text(r.Bytes(r.U8())))
	}
	if !r.OK() {
		ics.Odd(e)
	}
}

func setup(e *event.Event, r *ics.Reader) {
	r.Skip(1)
	e.AddExtra("max_amq_calling", strconv.Itoa(r.BE16()))
	e.AddExtra("max_amq_called", strconv.Itoa(r.BE16()))
	e.AddExtra("pdu_length", strconv.Itoa(r.BE16()))
}

func control(e *event.Event, code string) {
	e.AddExtra("subfunction_code", code)
	e.AddExtra("subfunction_name", controls[code])
}

// block reads the name of a block: _ or $, its type, its number, its file
// system.
func block(e *event.Event, text string) {
	e.AddExtra("filename", text)
	if len(text) < 8 {
		return
	}
	e.SetICSObject(blockTypes[text[1:3]])
	e.AddExtra("block_number", text[3:8])
	if n, err := strconv.Atoi(text[3:8]); err == nil {
		e.SetICSAddress(int64(n))
	}
	if len(text) > 8 {
		e.AddExtra("destination_filesystem", fileSystems[text[8]])
	}
}

// answer reads the parameters of the answer to a job.
func answer(e *event.Event, fn int, m *message) {
	r := m.param
	switch fn {
	case fnSetup:
		if r.Len() >= 7 {
			setup(e, r)
		}
	case fnStartUpload:
		if r.Len() < 7 {
			return
		}
		e.AddExtra("function_status", ics.Code(r.U8(), 2))
		r.Skip(2)
		e.AddExtra("session_id", strconv.Itoa(r.BE32()))
		if text := ics.Text(r.Bytes(r.U8())); text != "" {
			if n, err := strconv.Atoi(text); err == nil {
				e.AddExtra("blocklength", strconv.Itoa(n))
			}
		}
	case fnUpload, fnDownload:
		if r.Len() > 0 {
			e.AddExtra("function_status", ics.Code(r.U8(), 2))
		}
		if m.data.Len() >= 2 {
			e.AddExtra("blocklength", strconv.Itoa(m.data.BE16()))
		}
	}
}
