// Package parameter lifts out of a text in words what it names by form: "size: 20"
// and "size=20", "block blk_5" and "size of 20", addresses with the side that the
// word before them gives, how long something took, and a web request in quotes.
//
// Log parsing calls the varying parts of a text its parameters (He, Zhu, Zheng,
// Lyu: "Drain", ICWS 2017); package template finds where they are, this package
// what they are called. It knows forms, never a product. What it sets was written
// by whoever wrote the text and is no more certain than that.
package parameter

import (
	"net/netip"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
	"vedette/internal/normalize/template"
)

// Prefix stands before the names of parameters, which are fields outside the
// schema: param.size.
const Prefix = "param."

// The bounds of what is kept.
const (
	maxNames = 200 // of one source: more are names only by accident
	maxKept  = 16  // of one text
	maxName  = 32
	maxValue = 256
	maxText  = 4 << 10
)

// Reader reads the texts of one source. The zero value is ready for use; it is not
// safe for concurrent use.
type Reader struct {
	miner template.Miner
	names map[string]string // as written → the field
	words []string
}

// Read sets the pattern of a text and the fields and parameters that it names.
// Fields that are set already stay.
func (r *Reader) Read(e *event.Event, text string) {
	uid, pattern := r.miner.Learn(text)
	e.SetTemplateUID(uid)
	e.SetTemplateText(pattern)
	text = webRequest(e, text[:min(len(text), maxText)])
	if !strings.ContainsAny(text, "0123456789=/") {
		return
	}
	r.words = append(r.words[:0], strings.Fields(speaker(e, text))...)
	kept := 0
	for i := 0; i < len(r.words) && kept < maxKept; i++ {
		if r.word(e, i) {
			kept++
		}
	}
	r.alone(e)
	clear(r.words)
}

// speaker sets the address that stands before a colon at the beginning of a text,
// as whose words the rest is, and gives the rest.
func speaker(e *event.Event, text string) string {
	first, _, _ := strings.Cut(text, " ")
	at := strings.LastIndexByte(first, ':')
	if at <= 0 || e.Has(event.SlotSrcEndpointIP) {
		return text
	}
	addr, port, ok := endpoint(first[:at])
	if !ok || varies(first[at+1:]) {
		return text
	}
	record.Set(e, event.SlotSrcEndpointIP, Prefix+"from", addr)
	record.Set(e, event.SlotSrcEndpointPort, Prefix+"from_port", port)
	return text[at+1:]
}

// alone takes the only address of a text for the source, if nothing tells its side:
// it is whom the text is about.
func (r *Reader) alone(e *event.Event) {
	if e.Has(event.SlotSrcEndpointIP) || e.Has(event.SlotDstEndpointIP) {
		return
	}
	addr, port := "", ""
	for _, w := range r.words {
		if !varies(w) {
			continue
		}
		a, p, ok := endpoint(bare(w))
		if !ok {
			continue
		}
		if addr != "" && a != addr {
			return
		}
		addr, port = a, p
	}
	if addr != "" {
		record.Set(e, event.SlotSrcEndpointIP, Prefix+"from", addr)
		record.Set(e, event.SlotSrcEndpointPort, Prefix+"from_port", port)
	}
}

// word reads the word at i, with those before it.
func (r *Reader) word(e *event.Event, i int) bool {
	if !varies(r.words[i]) && strings.IndexByte(r.words[i], '=') < 0 && !r.announced(i) {
		return false // most words
	}
	value := bare(r.words[i])
	if name, v, ok := strings.Cut(value, "="); ok && v != "" {
		return r.Keep(e, name, bare(v))
	}
	if name, v, ok := strings.Cut(value, ":"); ok && varies(v) && !strings.Contains(v, ":") && !strings.HasPrefix(v, "//") && fieldOf(name) != "" && !varies(name) {
		return r.Keep(e, name, bare(v))
	}
	if value == "" || len(value) > maxValue {
		return false
	}
	name, named := r.nameBefore(i)
	if !named && (!varies(value) || strings.ContainsAny(name, "0123456789")) {
		return false
	}
	if !varies(value) && strings.ToLower(value) != value && strings.ToUpper(value) != value {
		return false // "Error: The file ..." begins a sentence
	}
	if !varies(value) && i+1 < len(r.words) && !strings.ContainsAny(r.words[i+1], ":=") {
		return false // "reason: no more space left": words, no name
	}
	if address(e, name, value, i == 0) || r.took(e, i, value) {
		return true
	}
	return r.Keep(e, name, value)
}

// announced tells a word before which a mark says that a value follows.
func (r *Reader) announced(i int) bool {
	if i == 0 {
		return false
	}
	w := r.words[i-1]
	return strings.IndexByte(":=->", w[len(w)-1]) >= 0
}

// nameBefore is the name that the words before i give: "size: 20" and "size = 20"
// name it in so many words, "block 5", "size of 20" by standing there.
func (r *Reader) nameBefore(i int) (name string, named bool) {
	for k := i - 1; k >= 0 && k >= i-3; k-- {
		w := strings.TrimLeft(r.words[k], `"'([{<`)
		switch {
		case w == "=" || w == ":" || w == "->" || w == "-":
			named = true
			continue
		case strings.HasSuffix(w, ":") || strings.HasSuffix(w, "="):
			return bare(w), true
		case strings.TrimRight(w, `"'.,;)]}>`) != w:
			return "", false // a new part of the sentence
		case named:
			return w, true
		case between[strings.ToLower(w)]:
			continue
		}
		return w, false
	}
	return "", false
}

// Keep keeps a value under a name, if it looks like one.
func (r *Reader) Keep(e *event.Event, name, value string) bool {
	if value == "" || len(value) > maxValue {
		return false
	}
	field, known := r.names[name]
	if !known {
		if field = fieldOf(name); len(r.names) >= maxNames {
			return false
		}
		if r.names == nil {
			r.names = map[string]string{}
		}
		r.names[strings.Clone(name)] = field
	}
	if field == "" {
		return false
	}
	record.Keep(e, field, value)
	return true
}

// fieldOf is the field of a name; empty for what is none.
func fieldOf(name string) string {
	if len(name) < 2 || len(name) > maxName || between[strings.ToLower(name)] || sides[strings.ToLower(name)] != 0 {
		return ""
	}
	for i := range len(name) {
		c := name[i] | 0x20
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || strings.IndexByte("_-.0123456789", name[i]) < 0) {
			return ""
		}
	}
	return Prefix + strings.ToLower(name)
}

// between are words that stand between a name and its value, or before a value
// without naming it.
var between = words("a an the of is was in on by for with and or than as its this that id: about over only which has have had are be been my our no not all")

// sides are the words that tell on which side of an exchange an address is.
var sides = sidesOf("from src source client peer remote", "to dst dest destination server target at into")

const (
	here  = 1
	there = 2
)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

func sidesOf(from, to string) map[string]int {
	out := map[string]int{}
	for w := range strings.FieldsSeq(from) {
		out[w] = here
	}
	for w := range strings.FieldsSeq(to) {
		out[w] = there
	}
	return out
}

// address sets the endpoint that a word is, on the side that the name before it
// tells; an address that begins the text is the one that speaks.
func address(e *event.Event, name, value string, first bool) bool {
	addr, port, ok := endpoint(value)
	if !ok {
		return false
	}
	side := sides[strings.ToLower(name)]
	if side == 0 && first {
		side = here
	}
	switch {
	case side == here && !e.Has(event.SlotSrcEndpointIP):
		record.Set(e, event.SlotSrcEndpointIP, Prefix+"from", addr)
		record.Set(e, event.SlotSrcEndpointPort, Prefix+"from_port", port)
	case side == there && !e.Has(event.SlotDstEndpointIP):
		record.Set(e, event.SlotDstEndpointIP, Prefix+"to", addr)
		record.Set(e, event.SlotDstEndpointPort, Prefix+"to_port", port)
	default:
		return false
	}
	return true
}

// endpoint reads "10.0.0.1", "/10.0.0.1:80" and "[::1]:80".
func endpoint(value string) (addr, port string, ok bool) {
	value = strings.TrimPrefix(value, "/")
	if strings.Count(value, ".") != 3 && strings.Count(value, ":") < 2 {
		return "", "", false
	}
	if ap, err := netip.ParseAddrPort(value); err == nil {
		return ap.Addr().String(), strconv.Itoa(int(ap.Port())), true
	}
	if a, err := netip.ParseAddr(value); err == nil {
		return a.String(), "", true
	}
	return "", "", false
}

// took sets the duration: "took 19.05 seconds", "in 20 ms", "time: 0.27".
func (r *Reader) took(e *event.Event, i int, value string) bool {
	if e.Has(event.SlotDuration) || i == 0 {
		return false
	}
	n, unit := number(value)
	if unit == "" && i+1 < len(r.words) {
		unit = strings.ToLower(bare(r.words[i+1]))
	}
	before := strings.ToLower(strings.TrimRight(bare(r.words[i-1]), ":="))
	scale, isUnit := units[unit]
	switch {
	case n < 0:
		return false
	case isUnit && (before == "took" || before == "in" || before == "after" || before == "elapsed" || before == "duration"):
		e.SetDuration(n * scale)
	case before == "time" && strings.Contains(value, ".") && strings.HasSuffix(r.words[i-1], ":"):
		e.SetDuration(n) // of a request, in seconds, as nginx, nova and others write it
	default:
		return false
	}
	return true
}

// units are names of units of time, in seconds.
var units = map[string]float64{
	"s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "ms": 1e-3, "msec": 1e-3, "msecs": 1e-3, "millis": 1e-3,
	"millisecond": 1e-3, "milliseconds": 1e-3, "us": 1e-6, "microseconds": 1e-6, "min": 60, "mins": 60, "minutes": 60,
}

// number cuts "10000ms" into number and unit; what is none is below 0.
func number(value string) (n float64, unit string) {
	end := len(value)
	for end > 0 && (value[end-1]|0x20 >= 'a' && value[end-1]|0x20 <= 'z') {
		end--
	}
	n, err := strconv.ParseFloat(value[:end], 64)
	if err != nil {
		return -1, ""
	}
	return n, strings.ToLower(value[end:])
}

// varies tells a word that is a value by its look: it has a digit, or is a path.
func varies(w string) bool {
	return strings.ContainsAny(w, "0123456789") || strings.HasPrefix(w, "/") && len(w) > 1
}

// bare takes the marks off that stand around a word.
func bare(w string) string {
	w = strings.Trim(w, `"'(){}<>,;|`)
	if strings.HasPrefix(w, "[") && strings.Contains(w, "]:") {
		return w // [::1]:80
	}
	return strings.TrimRight(strings.Trim(w, `[]"'`), ".:,;")
}

// webRequest sets what a request in quotes says ("GET /x HTTP/1.1" with the
// status after it), and gives the rest of the text.
func webRequest(e *event.Event, text string) string {
	at := strings.Index(text, " HTTP/")
	if at < 0 || e.Has(event.SlotHTTPRequestHTTPMethod) {
		return text
	}
	from := strings.LastIndexByte(text[:at], '"')
	to := strings.IndexByte(text[at:], '"')
	if from < 0 || to < 0 {
		return text
	}
	method, path, ok := strings.Cut(text[from+1:at], " ")
	if !ok || method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return text
	}
	e.SetClassUID(int64(event.HTTPActivity))
	e.SetHTTPRequestHTTPMethod(method)
	e.SetActivityName(method)
	e.SetHTTPRequestURLPath(path)
	e.SetHTTPRequestVersion(text[at+len(" HTTP/") : at+to])
	rest := text[at+to+1:]
	code := strings.TrimLeft(strings.TrimPrefix(strings.TrimLeft(rest, " "), "status:"), " ")
	if n, err := strconv.ParseInt(code[:min(3, len(code))], 10, 64); err == nil && n >= 100 && n < 600 {
		e.SetHTTPResponseCode(n)
		e.SetStatus(event.Success)
		if n >= 400 {
			e.SetStatus(event.Failure)
		}
		rest = code[3:]
	}
	return text[:from] + rest
}
