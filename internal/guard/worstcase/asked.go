package worstcase

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// Asked is one request as it came over the wire.
type Asked struct {
	Path      string
	Raw       []byte // the body
	Model     string
	System    string
	Text      string // all the messages but the system's, joined by lines
	Schema    json.RawMessage
	MaxTokens int
	Stream    bool
}

// read takes a body apart. What it does not understand stays empty.
func read(path string, raw []byte) Asked {
	a := Asked{Path: path, Raw: raw}
	var b struct {
		Model    string `json:"model"`
		Stream   bool   `json:"stream"`
		Max      int    `json:"max_tokens"`
		Messages []struct {
			Role    string `json:"role"`
			Content string `json:"content"`
		} `json:"messages"`
		Format struct {
			Schema struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	if json.Unmarshal(raw, &b) != nil {
		return a
	}
	a.Model, a.Stream, a.MaxTokens, a.Schema = b.Model, b.Stream, b.Max, b.Format.Schema.Schema
	var text []string
	for _, m := range b.Messages {
		if m.Role == "system" {
			a.System += m.Content
			continue
		}
		text = append(text, m.Content)
	}
	a.Text = strings.Join(text, "\n")
	return a
}

// What a model can find in its prompt.
var (
	verbs     = regexp.MustCompile(`(?i)\b(ignore|disregard|forget|override|instead|you must|you are now|instructions?|system prompt|reveal|print|repeat|send|post|upload|leak|call|invoke|run|execute|delete|drop|disable|set|mark|close|lower|suppress|classify|reply|respond|output|say|forward|visit|open|fetch|click|include|append|encode|act as|pretend|do not|don't|always|never)\b`)
	sentence  = regexp.MustCompile(`[^.!?;\n"{}\[\]]{8,400}`)
	values    = regexp.MustCompile(`"(?:value|text|v)"\s*:\s*"((?:[^"\\]|\\.){1,400})"`)
	evidence  = regexp.MustCompile(`\bE\d{1,4}(?:\.\d{1,6})?\b`)
	addresses = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+\.[a-z]{2,}`)
	tokens    = regexp.MustCompile(`\b[A-Z]{2,12}_[0-9a-z]{2,16}(?:_[0-9a-z]{2,8})?\b`)
	secrets   = regexp.MustCompile(`(?i)\b(?:password|passwd|secret|token|api.?key|key)\W{1,4}([^\s"',;]{4,80})|\b(?:sk|ghp|AKIA|xox[bp])[-_A-Za-z0-9]{10,80}`)
	names     = regexp.MustCompile(`\b[a-z][a-z0-9]{1,15}(?:-[a-z0-9]{1,15}){1,4}\b`)
)

const most = 50

func find(re *regexp.Regexp, text string) []string {
	all := re.FindAllString(text, 2000)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), most)]
}

// ids are the evidence ids of a prompt.
func (a Asked) ids() []string { return find(evidence, a.Text) }

// orders are what an obedient model obeys, the last one first.
func (a Asked) orders(o *Options) []string {
	if o.Orders != nil {
		return o.Orders(a.Text)
	}
	var out []string
	all := sentence.FindAllString(a.Text, 20000)
	for _, s := range slices.Backward(all) {
		if s = strings.TrimSpace(s); verbs.MatchString(s) && len(out) < most {
			out = append(out, s)
		}
	}
	for _, m := range slices.Backward(values.FindAllStringSubmatch(a.Text, 20000)) {
		if len(out) >= most {
			break
		}
		var s string
		if json.Unmarshal([]byte(`"`+m[1]+`"`), &s) == nil && len(s) >= 8 {
			out = append(out, s)
		}
	}
	return out
}

// precious is what is worth leaking: secrets, addresses, pseudonyms, names.
func (a Asked) precious() []string {
	all := a.System + "\n" + a.Text
	var out []string
	for _, m := range secrets.FindAllStringSubmatch(all, 200) {
		if m[1] != "" {
			out = append(out, m[1])
		} else {
			out = append(out, m[0])
		}
	}
	out = append(out, find(addresses, all)...)
	out = append(out, find(tokens, all)...)
	out = append(out, find(names, all)...)
	return out[:min(len(out), most)]
}

// loot is some of it in one word.
func (a Asked) loot() string {
	p := a.precious()
	if len(p) == 0 {
		return "nothing"
	}
	return strings.Join(p[:min(len(p), 3)], "~")
}
