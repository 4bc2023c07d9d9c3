package correlate

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"vedette/internal/event"
)

// phrases say what a technique does to its target. They tell what was tried:
// a finding does not know whether the target obeyed.
var phrases = map[string]string{
	"T0858": "was told to change its operating mode", "T0816": "was told to restart or stop", "T0881": "was told to stop a service",
	"T0855": "was sent an unauthorised command", "T0836": "had a parameter written", "T0831": "was controlled from outside",
	"T0806": "was written to by brute force", "T0843": "was sent a program", "T0889": "had its program changed",
	"T0821": "had its tasks changed", "T0845": "had its program read", "T0839": "was sent firmware", "T0857": "was sent firmware",
	"T0814": "was hit by a denial of service", "T1498": "was hit by a denial of service", "T1499": "was hit by a denial of service",
	"T1110": "had passwords tried", "T0812": "was entered with default credentials", "T0892": "had its logins changed",
	"T0886": "was entered by a remote service", "T1021": "was entered by a remote service", "T1210": "was attacked through a weakness",
	"T0866": "was attacked through a weakness", "T0819": "was attacked through a weakness", "T1190": "was attacked through a weakness",
	"T1486": "had data encrypted", "T1490": "had its recovery disabled", "T1485": "had data destroyed", "T0809": "had data destroyed",
	"T0878": "had alarms suppressed", "T0803": "had commands blocked", "T0804": "had reports blocked", "T0856": "had its reports forged",
	"T1046": scanned, "T0841": scanned, "T0846": scanned, "T0840": scanned, "T1018": scanned,
	"T1595": scanned, "T0888": "was asked what it is",
}

// maxTitle is how many bytes of a rule's title are shown.
const maxTitle = 120

// shown is a title as a person may see it: that of another tool is quoted.
func shown(title, family string) string {
	if family == event.FamilySource {
		return strconv.Quote(clip(title, maxTitle))
	}
	return oneLine(clip(title, maxTitle))
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
}

// title says what happened to whom, by whom and after what.
func (c *Correlator) title(s *strand, w *state) string {
	all := c.telling(w)
	if len(all) == 0 {
		return "no findings"
	}
	lead := all[0]
	if s.Collects != "" {
		return shown(lead.Title, lead.Family) + ": " + plural(w.Findings, "finding") + " of " + plural(int64(w.Devices.Count()), "device") + ", put together"
	}
	target, source := c.target(lead), c.callID(lead.Src)
	same := c.alike(w, lead)
	if lead.Dst == "" && lead.Device != "" && lead.Src == "device:"+lead.Device {
		source = ""
	}
	text := c.phrase(w, lead, target, source, same)
	if before := c.before(w, lead); before != "" {
		text += ", after " + before
	}
	return text
}

// likeness is how many ends findings of one technique or rule have.
type likeness struct{ targets, sources int }

func (c *Correlator) alike(w *state, lead *kindRow) likeness {
	var targets, sources []string
	for i := range w.Kinds {
		k := &w.Kinds[i]
		if k.Template != lead.Template && (lead.Technique == "" || k.Technique != lead.Technique) {
			continue
		}
		if to := k.targetID(); to != "" && !slices.Contains(targets, to) {
			targets = append(targets, to)
		}
		if k.Src != "" && k.Src != k.targetID() && !slices.Contains(sources, k.Src) {
			sources = append(sources, k.Src)
		}
	}
	return likeness{len(targets), len(sources)}
}

// targetID is the node that something was done to.
func (k *kindRow) targetID() string {
	switch {
	case k.Dst != "":
		return k.Dst
	case k.Device != "":
		return "device:" + k.Device
	}
	return k.Src
}

func (c *Correlator) target(k *kindRow) string { return c.callID(k.targetID()) }

func (c *Correlator) callID(id string) string {
	kind, value, ok := strings.Cut(id, ":")
	if !ok {
		return ""
	}
	return c.call(key{kind, value})
}

func (c *Correlator) phrase(w *state, lead *kindRow, target, source string, n likeness) string {
	who := target
	if n.targets == 2 {
		who += " and another one"
	} else if n.targets > 2 {
		who += " and " + strconv.Itoa(n.targets-1) + " others"
	}
	by := ""
	if n.sources > 1 {
		by = " by " + strconv.Itoa(n.sources) + " sources"
	} else if source != "" && source != target {
		by = " by " + source
	}
	if verb := c.verb(w, lead); verb != "" && who != "" && (by != "" || strings.HasPrefix(verb, "had ")) {
		if n.targets > 1 {
			verb = strings.NewReplacer(" was ", " were ", " its ", " their ", "what it is", "what they are").Replace(" " + verb)[1:]
		}
		return who + " " + verb + by
	}
	text := shown(lead.Title, lead.Family)
	if who != "" {
		text += ": " + who
	}
	return text + by
}

// verb says what was done to the target: what leads, and what as grave was done
// to it first.
func (c *Correlator) verb(w *state, lead *kindRow) string {
	verb := phraseOf(lead.Technique)
	if verb == "" {
		return ""
	}
	var other *kindRow
	for i := range w.Kinds {
		k := &w.Kinds[i]
		if k.Severity < lead.Severity || k.Src != lead.Src || k.targetID() != lead.targetID() || k.First.After(lead.First) {
			continue
		}
		if p := phraseOf(k.Technique); p != "" && p != verb && p != scanned && (other == nil || k.First.Before(other.First)) {
			other = k
		}
	}
	if other != nil {
		verb = phraseOf(other.Technique) + " and " + verb
	}
	return verb
}

func phraseOf(technique string) string {
	above, _, _ := strings.Cut(technique, ".")
	return phrases[above]
}

const scanned = "was scanned"

// before names what came before the lead: a scan, or the gravest earlier stage.
func (c *Correlator) before(w *state, lead *kindRow) string {
	at := c.cfg.Techniques.find(lead.Technique).rank()
	var best *kindRow
	stage := 0
	for i := range w.Kinds {
		k := &w.Kinds[i]
		r := c.cfg.Techniques.find(k.Technique).rank()
		if r == 0 || k.First.After(lead.First) || k.Technique == lead.Technique {
			continue
		}
		if phraseOf(k.Technique) == scanned && phraseOf(lead.Technique) != scanned {
			return "a scan of " + plural(int64(c.alike(w, k).targets), "device")
		}
		if r >= at || k.targetID() == lead.targetID() && k.Severity == lead.Severity && phraseOf(k.Technique) != "" {
			continue
		}
		if best == nil || k.Severity > best.Severity || k.Severity == best.Severity && r > stage {
			best, stage = k, r
		}
	}
	if best == nil {
		return ""
	}
	q := c.cfg.Techniques.find(best.Technique)
	return strings.ToLower(c.cfg.Techniques.tacticName(q.tactics[0])) + " (" + strings.ToLower(q.name) + ")"
}

func plural(n int64, word string) string {
	text := strconv.FormatInt(n, 10) + " " + word
	if n != 1 {
		text += "s"
	}
	return text
}
