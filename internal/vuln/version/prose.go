package version

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// maxProse bounds a description of versions that is read.
const maxProse = 1000

// a number in a version, as the patterns below look for it.
const word = `([\w.+()/-]*\d[\w.+()/-]*(?: (?:sp|update|upd|hf|hotfix|patch|p|build|rev|r)\.? ?\d+\w*)*|[a-z]{1,2}\d*)`

type rewrite struct {
	from *regexp.Regexp
	to   string
}

// numbered is a word with a digit in it.
const numbered = `([\w.+()/-]*\d[\w.+()/-]*)`

// rewrites turn words into the signs of comparison, in this order.
var rewrites = []rewrite{
	{regexp.MustCompile(`(?i)[,;]? *\(?\b(?:fixed|patched|resolved|corrected) (?:in|with|by|since|from)\b[^()]*\)?$`), ""},
	{regexp.MustCompile(`(?i)\b(?:not|no) (?:later|newer|higher|greater) than:? `), "<= "},
	{regexp.MustCompile(`(?i)\b(?:not|no) (?:earlier|older|lower|less) than:? `), ">= "},
	{regexp.MustCompile(`(?i)\bat most:? `), "<= "},
	{regexp.MustCompile(`(?i)\bat least:? `), ">= "},
	{regexp.MustCompile(`(?i)(^|versions? )(?:under|smaller than) `), "$1< "},
	{regexp.MustCompile(`(?i)(^|versions? )above `), "$1> "},
	{regexp.MustCompile(`(?i)\bup to (?:versions? )?` + numbered + ` \((?:excluding|excluded|exclusive|not including)\)`), "< $1"},
	{regexp.MustCompile(`(?i)\bfrom (?:versions? )?` + numbered + ` \((?:excluding|excluded|exclusive|not including)\) (?:up )?(?:to|through) (?:versions? )?` + numbered), "> $1 <= $2"},
	{regexp.MustCompile(`(?i)\bfrom (?:versions? )?` + numbered + ` \((?:excluding|excluded|exclusive|not including)\)`), "> $1"},
	{regexp.MustCompile(`(?i),? \(?(?:inclusive|inclusively|included|including)\)?( up to| to| through|$)`), "$1"},
	{regexp.MustCompile(`(?i)\bup to,? (?:and,? )?\(?including\)?[,:]* `), "<= "},
	{regexp.MustCompile(`(?i)^` + numbered + ` ?\+$`), ">= $1"},
	{regexp.MustCompile(`(?i)` + numbered + ` \(([^()]*)\),? (?:and|or|&) (?:all )?(?:prior|earlier|older|below|lower|previous|before|under)(?: versions?| firmware| releases?)*`), "<= $1 ($2)"},
	{regexp.MustCompile(`(?i)\bup to,? (?:but )?(?:not including|excluding) `), "< "},
	{regexp.MustCompile(`(?i)\bup to,?(?: and)? ?including:? `), "<= "},
	{regexp.MustCompile(`(?i)\b(?:less|lower|earlier|older) than or equal to:? `), "<= "},
	{regexp.MustCompile(`(?i)\b(?:greater|higher|later|newer) than or equal to:? `), ">= "},
	{regexp.MustCompile(`(?i)\b(?:prior to|before|earlier than|older than|lower than|less than|below|preceding|previous to):? (?:firmware |software |version )*`), "< "},
	{regexp.MustCompile(`(?i)\b(?:later than|newer than|greater than|higher than|after) (?:firmware |software |version )*`), "> "},
	{regexp.MustCompile(`(?i)\bbetween (?:versions? )?` + word + ` and ` + word), ">= $1 <= $2"},
	{regexp.MustCompile(`(?i)\b(?:from|starting (?:from|with)|beginning with|since) (?:versions? )?` + word), ">= $1"},
	{regexp.MustCompile(`(?i)` + numbered + ` up to (?:versions? )?` + word), ">= $1 <= $2"},
	{regexp.MustCompile(`(?i)\bup to (?:versions? )?` + word), "<= $1"},
	{regexp.MustCompile(`(?i)` + word + ` (?:to|through|thru|until|till) (?:versions? )?` + word), ">= $1 <= $2"},
	{regexp.MustCompile(`(?i)` + word + `,? (?:and|or|&) (?:all )?(?:prior|earlier|older|below|lower|previous|before|under)(?: versions?| firmware| releases?)*`), "<= $1"},
	{regexp.MustCompile(`(?i)` + word + `,? (?:and|or|&) (?:all )?(?:later|newer|above|higher|up|onwards?|greater|after)(?: versions?| firmware| releases?)*`), ">= $1"},
	{regexp.MustCompile(`(?i)` + word + ` onwards?`), ">= $1"},
	{regexp.MustCompile(`(?i)\b(?:up to|through|thru|until|till) (?:versions? )?`), "<= "},
}

var (
	unread    = regexp.MustCompile(`(?i)\b(with|without|only|if|when|where|using|running|installed|serial|manufactured|except|excluding|equipped|configured|enabled|digits|produced|hardware|on)\b`)
	emptyWord = regexp.MustCompile(`(?i)^(?:all|any|every|firmware|software|bios|os|app|fw|sw|versions?|ver\.?|releases?|revisions?|rev\.?|series|build|the|of|is|are|which|affected|\(|\)|:|,)$`)
	allWords  = regexp.MustCompile(`(?i)^(?:\*|all|any|all\b\D*\bversions?|any version|versions? all|all (?:releases|revisions|firmware)|vers:[a-z]+/\*)$`)
	noWords   = regexp.MustCompile(`(?i)^(?:|-|n/?a|none|unspecified|unknown|not specified|see .*|undefined|multiple.*|various)$`)
	ranged    = regexp.MustCompile(`^([A-Za-z]*[\d.]+[A-Za-z]?) *(?:-|~|\.{2,3}|…) *([A-Za-z]*[\d.]+[A-Za-z]?)$`)
	wild      = regexp.MustCompile(`(?i)^(v?)((?:\d+\.)*\d+)\.(?:x|\*)(?:\.[x*])*$`)
	counted   = regexp.MustCompile(`(?i)^(?:build|rev|revision|r|sp|update|patch|hotfix|hf)\.? ?\d+$`)
	older     = regexp.MustCompile(`(?i)\b(prior|earlier|previous|older|before)\b`)
	affected  = regexp.MustCompile(`(?i)\(affected:? ([^()]+)\)$`)
	denied    = regexp.MustCompile(`(?i)\b(?:not|un)[ -]?(?:affected|vulnerable|impacted)\b|\b(?:fixed|patched|resolved|corrected)\b`)
	interval  = regexp.MustCompile(`([\[(]) *([^,;\[\]()]*?) *[,;] *([^,;\[\]()]*?) *([\])])`)
	intervals = regexp.MustCompile(`^(?:[\[(][^\[\]()]*[,;][^\[\]()]*[\])] *[,;|]? *)+$`)
	operator  = regexp.MustCompile(`<=|>=|<|>|==?`)
)

// Parse reads a description of versions: a `vers:` range, signs of comparison,
// words, lists, or one version.
func Parse(text string) Set {
	text = strings.TrimSpace(text)
	if len(text) > maxProse {
		return Set{Unread: "a description that is too long to read", All: true}
	}
	if rest, ok := strings.CutPrefix(text, "vers:"); ok {
		return parseVers(rest)
	}
	text = tidy(text)
	if m := affected.FindStringSubmatch(text); m != nil {
		text = m[1] // Fixed in 1.1.1d (Affected 1.1.1-1.1.1c)
	}
	switch {
	case noWords.MatchString(text):
		return Set{Unsaid: true}
	case allWords.MatchString(text):
		return Set{All: true}
	case intervals.MatchString(text):
		return between(text)
	}
	said := text
	for _, r := range rewrites {
		text = r.from.ReplaceAllString(text, r.to)
	}
	if denied.MatchString(text) { // what is said of others than the affected: nothing is sure
		return Set{Unread: said, All: true}
	}
	if operator.MatchString(text) {
		return constraints(text, Generic)
	}
	return plainList(text)
}

// between reads intervals: [1.0,2.8) is from 1.0 on, and before 2.8.
func between(text string) Set {
	var s Set
	for _, m := range interval.FindAllStringSubmatch(text, -1) {
		if m[2] == "" && m[3] == "" || m[2] != "" && !Plausible(m[2]) || m[3] != "" && !Plausible(m[3]) {
			return Set{Unread: text, All: true}
		}
		s.Spans = append(s.Spans, Span{Low: m[2], High: m[3], LowOut: m[2] != "" && m[1] == "(", HighOut: m[3] != "" && m[4] == ")"})
	}
	return s
}

var tidier = strings.NewReplacer(`"`, "", "“", "", "”", "", "≤", "<=", "≥", ">=", "=<", "<=", "=>", ">=", "&lt;", "<", "&gt;", ">", "_", " ", "\u00a0", " ", "\t", " ", "\n", " ", "–", "-", "—", "-")

func tidy(text string) string {
	return strings.Join(strings.Fields(tidier.Replace(text)), " ")
}

func parseVers(rest string) Set {
	name, body, ok := strings.Cut(rest, "/")
	if !ok {
		return Set{Unread: "vers:" + rest, All: true}
	}
	if plain, err := url.PathUnescape(body); err == nil {
		body = plain
	}
	body = tidy(body)
	if body == "*" {
		return Set{All: true}
	}
	scheme := SchemeOf(name)
	if operator.MatchString(body) || strings.Contains(body, "!=") {
		return constraints(body, scheme)
	}
	s := plainList(body)
	s.Scheme = scheme
	return s
}

// constraints reads a sequence of comparisons. A lower bound and the upper one
// that follows are one span.
func constraints(text, scheme string) Set {
	s := Set{Scheme: scheme}
	at := operator.FindAllStringIndex(text, -1)
	if len(at) == 0 { // != alone
		return Set{All: true, Unread: text, Scheme: scheme}
	}
	var open *Span
	if at[0][0] > 0 {
		from, ok := s.before(text[:at[0][0]], text[at[0][0]] == '<')
		if !ok {
			return Set{All: true, Unread: text, Scheme: scheme}
		}
		open = from
	}
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		op := text[m[0]:m[1]]
		if op[0] == '=' && m[0] > 0 && text[m[0]-1] == '!' {
			op = "!="
		}
		bound, more := s.operand(text[m[1]:end])
		if bound == "" {
			continue
		}
		if i > 0 && op[0] == '>' && open == nil && joined(text[at[i-1][1]:m[0]]) && s.also(bound, op == ">") {
			continue
		}
		open = s.constrain(op, bound, open)
		s.Exact = append(s.Exact, more...)
	}
	if open != nil {
		s.Spans = append(s.Spans, *open)
	}
	if len(s.Spans) == 0 && len(s.Exact) == 0 && len(s.Except) == 0 {
		return Set{All: true, Unread: text, Scheme: scheme}
	}
	return s
}

// joined tells whether what stands before a comparison joins it with the one before.
func joined(text string) bool {
	text = strings.ToLower(strings.TrimRight(text, " "))
	return strings.HasSuffix(text, " and") || strings.HasSuffix(text, "&") || strings.HasSuffix(text, " but")
}

// also sets the lower end of the last span, as in "< 2.8 and >= 1.0"; false: both do
// not meet, so that they are two.
func (s *Set) also(low string, out bool) bool {
	if len(s.Spans) == 0 {
		return false
	}
	sp := &s.Spans[len(s.Spans)-1]
	if sp.Low != "" || Compare(s.Scheme, low, sp.High) != Less {
		return false
	}
	sp.Low, sp.LowOut = low, out
	return true
}

func (s *Set) constrain(op, bound string, open *Span) *Span {
	if m := wild.FindStringSubmatch(bound); m != nil { // <= 5.16.x: all that begin so
		bound = m[1] + m[2]
		if op == "<=" {
			op, bound = "<", m[1]+next(m[2])
		}
	}
	switch op {
	case ">", ">=":
		if open != nil {
			s.Spans = append(s.Spans, *open)
		}
		return &Span{Low: bound, LowOut: op == ">"}
	case "<", "<=":
		sp := Span{High: bound, HighOut: op == "<"}
		if open != nil {
			sp.Low, sp.LowOut = open.Low, open.LowOut
		}
		s.Spans = append(s.Spans, sp)
		return nil
	case "!=":
		s.Except = append(s.Except, bound)
		return open
	}
	s.Exact = append(s.Exact, bound)
	return open
}

// before looks at what stands ahead of the first comparison: "All BIOS versions" says
// nothing, "1.0 < 2.8" and "2.x < 2.8" begin with the lower end, and another version is
// one more. False: it is a condition, so that the comparison may be of something else's
// version.
func (s *Set) before(text string, upper bool) (from *Span, ok bool) {
	lone := !strings.ContainsAny(text, "|,;")
	text = strings.Trim(text, " |,;!")
	if unread.MatchString(text) {
		return nil, false
	}
	for part := range strings.FieldsFuncSeq(text, isBar) {
		words := strings.Fields(part)
		for len(words) > 1 && (emptyWord.MatchString(words[len(words)-1]) || links.MatchString(words[len(words)-1])) {
			words = words[:len(words)-1]
		}
		for len(words) > 1 && emptyWord.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) != 1 || !isDigitStart(words[0]) {
			continue
		}
		one := words[0]
		if m := wild.FindStringSubmatch(one); m != nil && upper && lone {
			return &Span{Low: m[1] + m[2]}, true
		}
		if upper && lone && Plausible(one) {
			return &Span{Low: one}, true
		}
		s.Exact = append(s.Exact, one)
	}
	return nil, true
}

// links are words that stand between the ends of a range.
var links = regexp.MustCompile(`(?i)^(?:to|up|and|from|-)$`)

func isBar(r rune) bool { return r == '|' || r == ',' || r == ';' }

func isDigitStart(s string) bool {
	s = strings.TrimLeft(s, "vVrR")
	return s != "" && isDigit(s[0])
}

// operand cleans what follows a sign of comparison. What stands in brackets, or
// reads like a condition, is not understood.
func (s *Set) operand(text string) (bound string, more []string) {
	text = strings.Trim(text, " |,;&!")
	for _, end := range []string{" and", " or", " but"} {
		text = strings.TrimSuffix(text, end)
	}
	if i := strings.IndexByte(text, '('); i > 0 {
		inner := strings.Trim(text[i:], "() ")
		if unread.MatchString(inner) {
			s.Unread = inner
		}
		if unread.MatchString(inner) || !counted.MatchString(inner) {
			text = strings.TrimSpace(text[:i])
		}
	}
	for _, cut := range []string{" and ", " or ", "|", ",", ";"} {
		head, rest, ok := strings.Cut(text, cut)
		if !ok {
			continue
		}
		text = strings.TrimSpace(head)
		for part := range strings.FieldsFuncSeq(rest, isBar) {
			if part = strings.TrimSpace(part); isDigitStart(part) && !strings.Contains(part, " ") {
				more = append(more, part)
			}
		}
	}
	if m := unread.FindStringIndex(text); m != nil {
		s.Unread = text
		if m[0] == 0 {
			return text, more
		}
		text = strings.TrimSpace(text[:m[0]])
	}
	words := strings.Fields(text)
	for len(words) > 1 && emptyWord.MatchString(words[0]) {
		words = words[1:]
	}
	for len(words) > 1 && emptyWord.MatchString(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 1 && emptyWord.MatchString(words[0]) && !Plausible(words[0]) {
		return "", more
	}
	return strings.Join(words, " "), more
}

// plainList reads what has no comparison: versions, one or several.
func plainList(text string) Set {
	var s Set
	lower := strings.ToLower(text)
	if unread.MatchString(text) {
		s.Unread = text
		s.All = strings.HasPrefix(lower, "all")
		if s.All || !strings.ContainsAny(text, "0123456789") {
			return Set{All: true, Unread: text}
		}
		return Set{All: true, Unread: text}
	}
	for part := range strings.FieldsFuncSeq(text, isBar) {
		part = strings.TrimSpace(part)
		for one := range strings.SplitSeq(alike.Replace(part), " and ") {
			s.addPlain(strings.TrimSpace(one))
		}
	}
	if len(s.Exact) == 0 && len(s.Spans) == 0 {
		if strings.HasPrefix(lower, "all") {
			return Set{All: true, Unread: text}
		}
		return Set{Unsaid: true, Unread: text}
	}
	return s
}

// alike are signs that stand for "and" between versions.
var alike = strings.NewReplacer(" & ", " and ", " / ", " and ")

func (s *Set) addPlain(one string) {
	words := strings.Fields(one)
	for len(words) > 1 && emptyWord.MatchString(words[0]) {
		words = words[1:]
	}
	for len(words) > 1 && emptyWord.MatchString(words[len(words)-1]) && isDigitStart(words[0]) {
		words = words[:len(words)-1]
	}
	one = strings.Join(words, " ")
	if i := strings.IndexByte(one, '('); i > 0 && !counted.MatchString(strings.Trim(one[i:], "() ")) {
		inner := one[i:]
		one = strings.TrimSpace(one[:i])
		if older.MatchString(inner) && Plausible(one) {
			s.Spans = append(s.Spans, Span{High: one})
			return
		}
	}
	if m := wild.FindStringSubmatch(one); m != nil {
		s.Spans = append(s.Spans, Span{Low: m[1] + m[2], High: m[1] + next(m[2]), HighOut: true})
		return
	}
	if m := ranged.FindStringSubmatch(one); m != nil && strings.Count(m[1], ".") == strings.Count(m[2], ".") && Compare(Generic, m[1], m[2]) == Less {
		s.Spans = append(s.Spans, Span{Low: m[1], High: m[2]})
		return
	}
	if Plausible(one) {
		s.Exact = append(s.Exact, one)
	}
}

// Upper reads the upper end of a range: 5.10.* is all that begin with 5.10.
func Upper(bound string, out bool) (string, bool) {
	bound = strings.TrimSpace(bound)
	if m := wild.FindStringSubmatch(bound); m != nil && !out {
		return m[1] + next(m[2]), true
	} else if m != nil {
		return m[1] + m[2], true
	}
	return bound, out
}

// next is the version after all that begin with v: 2.0 gives 2.1.
func next(v string) string {
	i := strings.LastIndexByte(v, '.') + 1
	n, err := strconv.ParseInt(v[i:], 10, 62)
	if err != nil {
		return v
	}
	return v[:i] + strconv.FormatInt(n+1, 10)
}
