package sigma_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/event"
)

// The oracle asks every test of every rule one after another, in the plainest
// way: what the shared matcher finds must be the same, rule id for rule id.

var schema = event.NewSchema()

func holds(x *rule.Expr, e *event.Event) bool {
	n := 0
	for _, kid := range x.Kids {
		if holds(kid, e) {
			n++
		}
	}
	switch x.Op {
	case rule.And:
		return n == len(x.Kids)
	case rule.Or:
		return n > 0
	case rule.Not:
		return n == 0
	case rule.AtLeast:
		return n >= x.N
	case rule.Leaf:
	}
	return holdsTest(x.Test, e)
}

func valuesOf(name string, e *event.Event) []string {
	var out []string
	f, known := schema.Lookup(name)
	slot := func() {
		switch v := e.Any(f.Slot).(type) {
		case nil:
		case []string:
			out = append(out, v...)
		case float64:
			out = append(out, strconv.FormatFloat(v, 'f', -1, 64))
		default:
			out = append(out, fmt.Sprint(v))
		}
	}
	extra := func() {
		for _, x := range e.Extras() {
			if x.Name == name || strings.HasPrefix(x.Name, name+"#") {
				out = append(out, x.Value)
			}
		}
	}
	if known && f.Name == name && strings.Contains(name, ".") {
		slot()
		return out
	}
	if extra(); len(out) == 0 && known {
		slot()
	}
	return out
}

func allTexts(e *event.Event) []string {
	if raw := e.RawField(); raw != "" {
		var v map[string]string
		if json.Unmarshal([]byte(raw), &v) == nil {
			raw = `{"k":"` + v["k"] + `"}`
		}
		return []string{raw}
	}
	var out []string
	for _, s := range e.Slots() {
		if k := event.KindOf(s); k == event.String || k == event.IP || k == event.List {
			out = append(out, valuesOf(event.FieldOf(s).Name, e)...)
		}
	}
	for _, x := range e.Extras() {
		out = append(out, x.Value)
	}
	return out
}

func holdsTest(t *rule.Test, e *event.Event) bool {
	vals := valuesOf(t.Field, e)
	if t.Field == "" {
		vals = allTexts(e)
	}
	switch t.Op {
	case rule.Null:
		return len(vals) == 0
	case rule.Exists:
		return (len(vals) > 0) == t.Yes
	default:
	}
	return slices.ContainsFunc(vals, func(v string) bool { return holdsValue(t, v, e) })
}

func holdsValue(t *rule.Test, v string, e *event.Event) bool {
	switch t.Op {
	case rule.Matches:
		return pattern(t.Text, t.Cased).MatchString(v) || t.Bool && strings.EqualFold(v, t.Text[0].Lit[:1])
	case rule.Regex:
		return regexp.MustCompile(t.Pattern).MatchString(v)
	case rule.InCIDR:
		a, err := netip.ParseAddr(v)
		return err == nil && netip.MustParsePrefix(t.CIDR).Contains(a)
	case rule.Compare:
		n, err := strconv.ParseFloat(v, 64)
		return err == nil && t.Relation.Holds(n, t.Number)
	case rule.SameAs:
		return slices.ContainsFunc(valuesOf(t.Ref, e), func(w string) bool { return strings.EqualFold(v, w) })
	default:
	}
	return false
}

// pattern is a text pattern as a regular expression.
func pattern(t rule.Text, cased bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?s")
	if !cased {
		b.WriteString("i")
	}
	b.WriteString(`)\A`)
	for _, p := range t {
		switch p.Kind {
		case rule.Literal:
			b.WriteString(regexp.QuoteMeta(p.Lit))
		case rule.Star:
			b.WriteString(".*")
		case rule.One:
			b.WriteString(".")
		case rule.Placeholder:
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

// The generators use few letters, so that values often match.
var (
	word      = rapid.StringMatching(`[abAB. kKſ\\-]{1,5}(cmd|CMD|\.exe|)`)
	fieldName = rapid.SampledFrom([]string{"Image", "CommandLine", "ics.function", "user.name", "anomaly.novel", "dst_port", "src_ip", "Data", "ics.write"})
	modifiers = rapid.SampledFrom([]string{"", "", "|contains", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|contains|cased", "|re", "|re|i", "|neq", "|contains|windash", "|lt", "|gte", "|cidr", "|exists", "|fieldref"})
)

func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func genItem(t *rapid.T) string {
	mod := modifiers.Draw(t, "modifier")
	name := fieldName.Draw(t, "field")
	var vals []string
	for range rapid.IntRange(1, 3).Draw(t, "values") {
		w := word.Draw(t, "value")
		switch {
		case strings.HasPrefix(mod, "|re"):
			w = rapid.SampledFrom([]string{"a+b", "^a.*cmd$", "(abc|bab|k)+", "[ab]{2,}", `\.exe$`, "k.k", "cmd|exe", "abk?"}).Draw(t, "regex")
		case mod == "|lt" || mod == "|gte":
			w = rapid.SampledFrom([]string{"5", "502", "0.5"}).Draw(t, "number")
		case mod == "|cidr":
			w = rapid.SampledFrom([]string{"10.0.0.0/8", "10.0.0.5", "fe80::/16"}).Draw(t, "net")
		case mod == "|exists":
			return name + mod + ": " + rapid.SampledFrom([]string{"true", "false"}).Draw(t, "exists")
		case mod == "|fieldref":
			w = fieldName.Draw(t, "ref")
		case mod == "" || mod == "|neq":
			w = rapid.SampledFrom([]string{w, w + "*", "*" + w, "*" + w + "*" + w, "?" + w, string([]rune(w)[:1]) + "*" + string([]rune(w)[1:]), "502", ""}).Draw(t, "glob")
		}
		if mod == "" && rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
			vals = append(vals, rapid.SampledFrom([]string{"null", "true", "502", "false"}).Draw(t, "plain"))
			continue
		}
		vals = append(vals, quoted(w))
	}
	return name + mod + ": [" + strings.Join(vals, ", ") + "]"
}

func genRule(t *rapid.T, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "---\ntitle: r%d\nid: r%d\nlogsource: {}\ndetection:\n", n, n)
	names := []string{"s_a", "s_b", "f_c"}
	for _, name := range names {
		if rapid.IntRange(0, 7).Draw(t, "keywords") == 0 {
			fmt.Fprintf(&b, "  %s: [%s, %s]\n", name, quoted(word.Draw(t, "k")), quoted(word.Draw(t, "k")))
			continue
		}
		items := map[string]bool{}
		for range rapid.IntRange(1, 2).Draw(t, "items") {
			item := genItem(t)
			key, _, _ := strings.Cut(item, ":")
			if !items[key] {
				if len(items) == 0 {
					fmt.Fprintf(&b, "  %s:\n", name)
				}
				items[key] = true
				fmt.Fprintf(&b, "    %s\n", item)
			}
		}
	}
	cond := rapid.SampledFrom([]string{"s_a", "s_a and s_b", "s_a or f_c", "s_a and not f_c", "1 of s_*", "all of them", "not s_a", "not (s_a or s_b) and f_c", "2 of them", "all of s_* and not 1 of f_*"}).Draw(t, "condition")
	fmt.Fprintf(&b, "  condition: %s\n", cond)
	return b.String()
}

func genEvent(t *rapid.T) *event.Event {
	e := new(event.Event)
	text := func() string {
		return word.Draw(t, "text") + rapid.SampledFrom([]string{"", " -ab", " /ab", "abc", "\xff", "\n"}).Draw(t, "tail") + word.Draw(t, "text")
	}
	for _, name := range []string{"Image", "CommandLine", "Data", "Data#2"} {
		if rapid.Bool().Draw(t, name) {
			e.SetExtra(name, text())
		}
	}
	if rapid.Bool().Draw(t, "port") {
		e.SetDstEndpointPort(rapid.SampledFrom([]int64{0, 5, 502}).Draw(t, "port"))
		e.SetICSWrite(rapid.Bool().Draw(t, "write"))
	}
	if rapid.Bool().Draw(t, "ip") {
		e.SetSrcEndpointIP(rapid.SampledFrom([]string{"10.0.0.5", "fe80::1", "192.0.2.1"}).Draw(t, "ip"))
	}
	if rapid.Bool().Draw(t, "more") {
		e.SetICSFunction(text())
		e.SetUserName(word.Draw(t, "user"))
		e.SetAnomalyNovel([]string{word.Draw(t, "novel"), text()})
	}
	switch rapid.IntRange(0, 2).Draw(t, "raw") {
	case 1:
		e.SetRawField(text())
	case 2: // the escapes are undone, the JSON around stays
		raw, _ := json.Marshal(map[string]string{"k": strings.ToValidUTF8(text(), "?")})
		e.SetRawField(string(raw))
	}
	return e
}

// checkOracle compares the matcher with the oracle on random rules and events.
func checkOracle(t *rapid.T) {
	var text strings.Builder
	for i := range rapid.IntRange(1, 8).Draw(t, "rules") {
		text.WriteString(genRule(t, i))
	}
	docs, refused := sigma.Parse("gen.yml", []byte(text.String()))
	set, more := sigma.Compile(docs, sigma.Options{})
	if refused = append(refused, more...); len(refused) > 0 {
		t.Fatalf("refused %+v:\n%s", refused, text.String())
	}
	var sc sigma.Scratch
	for range 4 {
		e := genEvent(t)
		want, got := []string{}, []string{}
		for i := range docs {
			if holds(docs[i].Expr, e) {
				want = append(want, docs[i].ID)
			}
		}
		set.Match(e, &sc, func(r *sigma.Rule) {
			got = append(got, r.ID)
			set.Explain(r, &sc)
		})
		for range 2 { // its values are remembered then
			again := []string{}
			set.Match(e, &sc, func(r *sigma.Rule) { again = append(again, r.ID) })
			slices.Sort(again)
			slices.Sort(got)
			if diff := cmp.Diff(got, again); diff != "" {
				t.Fatalf("the same event again: -first +then\n%s\n%s", diff, text.String())
			}
		}
		each := []string{}
		set.MatchEach(e, &sc, false, func(r *sigma.Rule) { each = append(each, r.ID) })
		slices.Sort(got)
		slices.Sort(each)
		if diff := cmp.Diff(want, each); diff != "" {
			t.Fatalf("without the index: -want +got\n%s\n%s", diff, text.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			js, _ := e.MarshalJSON()
			t.Fatalf("-want +got\n%s\n%s\n%s", diff, js, text.String())
		}
	}
}

func TestOracle(t *testing.T) { rapid.Check(t, checkOracle) }

func FuzzOracle(f *testing.F) { f.Fuzz(rapid.MakeFuzz(checkOracle)) }
