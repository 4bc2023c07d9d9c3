package strict

// Elements finds the elements of the first array inside of an object while its
// text is still coming, such as the claims of {"claims":[{…},{…}]}: what is
// complete need not wait for the rest. It looks at structure alone; each element
// is to be decoded by [Decode], and the whole in the end.
type Elements struct {
	at     int  // bytes looked at
	depth  int  // of arrays and objects
	array  int  // depth inside of the array; 0: not met yet
	start  int  // of the element that is being read; 0: none, an element is never at 0
	quoted bool // inside of a string
	escape bool // after a backslash in it
	done   bool // the array has ended, or the text is none of these
}

// Take returns the elements that text completes; text is all that came so far.
// Only objects and arrays count as elements: of others the end is not known.
func (e *Elements) Take(text string) []string {
	var out []string
	for ; e.at < len(text) && !e.done; e.at++ {
		c := text[e.at]
		switch {
		case e.escape:
			e.escape = false
		case e.quoted:
			e.escape, e.quoted = c == '\\', c != '"'
		case c == '"':
			e.quoted = true
		case c == '{' || c == '[':
			e.open(c)
		case c == '}' || c == ']':
			if e.close() {
				out = append(out, text[e.start:e.at+1])
				e.start = 0
			}
		}
	}
	return out
}

func (e *Elements) open(c byte) {
	e.depth++
	switch {
	case e.array == 0 && c == '[' && e.depth == 2:
		e.array = e.depth
	case e.array == 0 && c == '[':
		e.done = true // the text begins with an array, or hides one deeper
	case e.array > 0 && e.depth == e.array+1:
		e.start = e.at
	}
}

// close reports whether an element ends here.
func (e *Elements) close() bool {
	e.depth--
	switch {
	case e.depth < 0 || e.array > 0 && e.depth < e.array:
		e.done = true
	case e.array > 0 && e.depth == e.array && e.start > 0:
		return true
	}
	return false
}
