package match

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxName bounds a name that is looked at.
const maxName = 300

// legal are the forms of companies and other words that tell no maker apart.
var legal = wordSet(`ag gmbh inc incorporated corp corporation co company ltd limited llc lp plc sa se sas spa srl bv nv kg kgaa oy ab as aps pty pte kk
group holding holdings the international foundation project`)

// common are words of a product's name that inventories add or leave out.
var common = wordSet(`firmware software fw sw device devices product products series family families model models version versions all the and
hardware module modules unit equipment variant variants incl including related series: line range os`)

// kinds say at the end of a name what a thing is, where a number before it has
// already said which: "CompactLogix 5380 controllers", "UC-8200 System Image". After
// other words they make another product: "S7-1500 Software Controller".
var kinds = wordSet("controller controllers cpu cpus plc plcs processor processors system image")

// groups are words that make a name mean many products.
var groups = wordSet("family families series line range products devices variants models all various multiple")

func wordSet(text string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		out[w] = true
	}
	return out
}

// words cuts a name into its words in lower case, letters and digits alone.
// "S7-1500" is s7 and 1500, as is "S7 1500".
func words(name string) []string {
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '+' && r != '&'
	})
}

// squash joins words; what is left of a name when case, spaces and punctuation
// are gone.
func squash(list []string) string { return strings.ReplaceAll(strings.Join(list, ""), "+", "&") }

// name is a product's name prepared for looking up.
type name struct {
	key    string   // all words that tell
	words  []string // those words
	full   string   // with what stands in brackets
	group  bool     // it means a family
	models []string // order numbers: in brackets, or the whole name
	loose  []string // words that look like order numbers
}

var (
	bracket = regexp.MustCompile(`[(\[][^()\[\]]*[)\]]`)
	dashed  = regexp.MustCompile(`([A-Za-z]+)-[A-Za-z0-9]`)
	makers  = strings.NewReplacer("&", " & ", ".", "")
	marks   = strings.NewReplacer("®", " ", "™", " ", "©", " ", "(R)", " ", "(TM)", " ", "_", " ")
)

// prepare makes the name of a product ready; vendor's own name at its beginning
// is left out.
func prepare(text string, vendor []string) name {
	var n name
	text = marks.Replace(text)
	var bracketed []string
	for _, b := range bracket.FindAllString(text, -1) {
		inner := strings.Trim(b, "()[]")
		bracketed = append(bracketed, words(inner)...)
		for part := range strings.FieldsFuncSeq(inner, func(r rune) bool { return r == ',' || r == ';' || r == '/' }) {
			if m := modelKey(part); m != "" {
				n.models = append(n.models, m)
			}
		}
	}
	var bound []string
	if len(vendor) > 0 && strings.Contains(text, "-") {
		for _, m := range dashed.FindAllStringSubmatch(text, -1) {
			bound = append(bound, strings.ToLower(m[1]))
		}
	}
	plain := bracket.ReplaceAllString(text, " ")
	if strings.TrimSpace(plain) == "" {
		plain = text
	}
	list := dropKind(dropVendor(words(plain), vendor, bracketed, bound))
	for i, w := range list {
		n.group = n.group || groups[w] && (i == len(list)-1 || i == 0)
		if !common[w] {
			n.words = append(n.words, w)
		}
	}
	if len(n.words) == 0 {
		n.words = list
	}
	n.key = squash(n.words)
	n.full = squash(dropVendor(words(text), vendor, nil, bound))
	if m := modelKey(text); m != "" {
		n.models = append(n.models, m)
	}
	for w := range strings.FieldsSeq(plain) {
		if m := modelKey(w); len(m) >= 8 && squash(words(text)) != m {
			n.loose = append(n.loose, m)
		}
	}
	return n
}

// dropKind takes words of kinds off the end of a name whose last other word has a
// digit.
func dropKind(list []string) []string {
	end := len(list)
	for end > 0 && (kinds[list[end-1]] || groups[list[end-1]]) {
		end--
	}
	if end == len(list) || end == 0 || !strings.ContainsAny(list[end-1], "0123456789") {
		return list
	}
	var out []string
	for i, w := range list {
		if i < end || groups[w] { // those say that a name means many
			out = append(out, w)
		}
	}
	return out
}

// dropVendor takes the maker's name off the beginning, however often it is there, with
// the forms of companies that stand in it and behind it. bracketed are words that stand
// in brackets and were taken out of the list, such as a short name of the maker; bound
// are those that a dash binds to the next, as in "AG-150", and are no such forms.
func dropVendor(list, vendor, bracketed, bound []string) []string {
	form := func(w string) bool { return legal[w] && !slices.Contains(bound, w) }
	for len(vendor) > 0 {
		n := 0
		for i := 0; i < len(vendor); i++ {
			w := vendor[i]
			if n > 0 && slices.Contains(bracketed, w) {
				continue
			}
			for n > 0 && n < len(list) && list[n] != w && form(list[n]) {
				n++
			}
			switch {
			case n < len(list) && list[n] == w:
			case n < len(list) && i+2 < len(vendor) && vendor[i+1] == "&" && list[n] == w+"&"+vendor[i+2]: // B&R is one word there
				i += 2
			default:
				return list
			}
			n++
		}
		for n < len(list)-1 && form(list[n]) {
			n++
		}
		if n >= len(list) {
			return list
		}
		list = list[n:]
	}
	return list
}

// modelKey is an order number without spaces and dashes, or "" when the text
// does not look like one: it has digits and letters, and no words. * and ? stay.
func modelKey(text string) string {
	text = strings.TrimSpace(text)
	if len(text) < 5 || len(text) > 60 || strings.Count(text, " ") > 3 {
		return ""
	}
	digits, letters, run := 0, 0, 0
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= '0' && r <= '9':
			digits++
			run = 0
			b.WriteRune(r)
		case r >= 'a' && r <= 'z':
			letters++
			if run++; run > 5 {
				return ""
			}
			b.WriteRune(r)
		case r == '*' || r == '?':
			b.WriteRune(r)
		case r == '-' || r == ' ' || r == '.' || r == '/' || r == '_':
			run = 0
		default:
			return ""
		}
	}
	if digits < 2 || digits+letters < 6 || letters == 0 && digits < 7 {
		return ""
	}
	return b.String()
}

// Aliases are the names that vendors are known by.
type Aliases struct{ to map[string]string }

// ParseAliases reads lines of names that mean one vendor, the first standing
// for all, with tabs between.
func ParseAliases(text string) *Aliases {
	a := &Aliases{to: map[string]string{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var first string
		for i, one := range strings.Split(strings.TrimRight(line, "\r\n"), "\t") {
			key := vendorKey(one)
			if i == 0 {
				first = key
			}
			if key != "" {
				a.to[key] = first
			}
		}
	}
	return a
}

func vendorWords(text string) []string {
	list := words(makers.Replace(text))
	var out []string
	for i, w := range list {
		if i > 0 && legal[w] || w == "&" && i == len(list)-1 || i == 0 && w == "the" {
			continue
		}
		out = append(out, w)
	}
	return out
}

func vendorKey(text string) string { return squash(vendorWords(text)) }

// Vendor returns the name that stands for a vendor.
func (a *Aliases) Vendor(text string) string {
	key := vendorKey(text)
	if a != nil && a.to[key] != "" {
		return a.to[key]
	}
	return key
}

// sameVendor tells whether two vendors, as Vendor returns them, can be one: the
// same, or one the beginning of the other.
func sameVendor(a, b string) bool {
	if a == b || a == "" || b == "" {
		return true
	}
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) >= 4 && strings.HasPrefix(b, a)
}
