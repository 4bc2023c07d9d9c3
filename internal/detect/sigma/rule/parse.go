package rule

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads the documents of one file. A document that cannot be read is a
// Refusal; the others are returned.
func Parse(file string, data []byte) ([]Document, []Refusal) {
	var docs []Document
	var refused []Refusal
	if len(data) > MaxFile {
		return nil, []Refusal{{File: file, Reason: fmt.Sprintf("the file has more than %d bytes", MaxFile)}}
	}
	line := 1
	for _, part := range split(data) {
		if len(bytes.TrimSpace(part)) > 0 {
			doc, label, err := parseOne(part)
			switch {
			case err != nil:
				refused = append(refused, Refusal{File: file, Line: line, Rule: label, Reason: err.Error()})
			case doc != nil:
				doc.File, doc.Line = file, line
				docs = append(docs, *doc)
			}
		}
		line += bytes.Count(part, []byte("\n"))
	}
	return docs, refused
}

// split cuts at lines that begin a new document, so that one broken document
// does not take the next along.
func split(data []byte) [][]byte {
	var parts [][]byte
	from := 0
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			end = len(data) - at - 1
		}
		text := data[at : at+end+1]
		if rest, ok := bytes.CutPrefix(text, []byte("---")); ok && (len(bytes.TrimSpace(rest)) == 0 || rest[0] == ' ') && at > from {
			parts = append(parts, data[from:at])
			from = at
		}
		at += end + 1
	}
	return append(parts, data[from:])
}

// parseOne reads one document; nil without an error for one without content.
// The label is what is known of its name when it is refused.
func parseOne(data []byte) (doc *Document, label string, err error) {
	if len(data) > MaxDocument {
		return nil, "", fmt.Errorf("the document has more than %d bytes", MaxDocument)
	}
	root, err := decode(data)
	if err != nil {
		return nil, named(data), err
	}
	if root == nil {
		return nil, "", nil
	}
	m := fields(root)
	label = text(m["id"])
	if label == "" {
		label = text(m["title"])
	}
	if err := measure(root); err != nil {
		return nil, label, err
	}
	if root.Kind != yaml.MappingNode {
		return nil, label, fmt.Errorf("a Sigma document is a map with title, logsource and detection")
	}
	doc, err = document(m)
	return doc, label, err
}

// named looks for the id or the title of a document that is no YAML.
func named(data []byte) string {
	for _, key := range []string{"id:", "title:"} {
		for line := range bytes.Lines(data) {
			if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
				return clip(strings.ToValidUTF8(string(bytes.Trim(rest, " \t\r\n'\"")), "?"))
			}
		}
	}
	return ""
}

// decode reads YAML into nodes. The library answers some broken input with a
// panic, which must not get further.
func decode(data []byte) (root *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the YAML cannot be read")
		}
	}()
	var n yaml.Node
	if err := yaml.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("the YAML cannot be read: %s", clip(strings.TrimPrefix(err.Error(), "yaml: ")))
	}
	if n.Kind != yaml.DocumentNode || len(n.Content) == 0 {
		return nil, nil
	}
	top := n.Content[0]
	if top.Kind == yaml.ScalarNode && top.ShortTag() == "!!null" {
		return nil, nil
	}
	return top, nil
}

// fields are the members of a map, aliases followed.
func fields(n *yaml.Node) map[string]*yaml.Node {
	m := make(map[string]*yaml.Node)
	if n == nil {
		return m
	}
	if n = follow(n); n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = follow(n.Content[i+1])
		}
	}
	return m
}

// text is a scalar's text, or "".
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || len(n.Value) > maxValue {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// texts are the texts of a list, or of a single scalar.
func texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		if s := text(n); s != "" {
			return []string{s}
		}
		return nil
	}
	var out []string
	for _, kid := range n.Content {
		if s := text(follow(kid)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func document(m map[string]*yaml.Node) (*Document, error) {
	d := &Document{
		ID: text(m["id"]), Name: text(m["name"]), Title: text(m["title"]), Author: text(m["author"]),
		Level: strings.ToLower(text(m["level"])), Status: strings.ToLower(text(m["status"])),
	}
	for _, tag := range texts(m["tags"]) {
		if len(d.Tags) < maxTags {
			d.Tags = append(d.Tags, strings.ToLower(tag))
		}
	}
	switch d.Level {
	case "", "informational", "low", "medium", "high", "critical":
	default:
		return nil, fmt.Errorf("level %q is none of informational, low, medium, high, critical", clip(d.Level))
	}
	switch {
	case m["action"] != nil:
		return nil, fmt.Errorf("action documents are no part of Sigma 2: write each rule in full")
	case m["correlation"] != nil:
		d.Kind = Correlation
		return d, d.window(m["correlation"])
	case m["filter"] != nil:
		d.Kind = Filter
		d.Source = logSource(m["logsource"])
		f := fields(m["filter"])
		for _, name := range texts(f["rules"]) {
			if !strings.EqualFold(name, "any") {
				d.Rules = append(d.Rules, name)
			}
		}
		if f["rules"] == nil {
			return nil, fmt.Errorf("the filter does not say which rules it is for (rules: a list of ids, or any)")
		}
		return d, d.detect(m["filter"])
	case m["detection"] != nil:
		d.Kind = Detection
		d.Source = logSource(m["logsource"])
		if m["logsource"] == nil {
			return nil, fmt.Errorf("logsource is missing")
		}
		return d, d.detect(m["detection"])
	}
	return nil, fmt.Errorf("it has neither detection nor correlation nor filter")
}

func logSource(n *yaml.Node) LogSource {
	m := fields(n)
	word := func(key string) string { return strings.ToLower(text(m[key])) }
	return LogSource{Product: word("product"), Category: word("category"), Service: word("service")}
}

// detect reads the selections and the condition.
func (d *Document) detect(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("detection is a map of selections and a condition")
	}
	b := &builder{}
	var names []string
	named := make(map[string]*Expr)
	var conditions []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, val := n.Content[i].Value, n.Content[i+1]
		switch {
		case name == "condition":
			conditions = texts(follow(val))
			continue
		case name == "timeframe", name == "rules" && d.Kind == Filter:
			continue
		}
		e, err := b.selection(val, 0)
		if err != nil {
			return fmt.Errorf("selection %s: %w", clip(name), err)
		}
		names = append(names, name)
		named[name] = e
	}
	if len(conditions) == 0 {
		return fmt.Errorf("the condition is missing")
	}
	var any []*Expr
	for _, c := range conditions {
		e, err := parseCondition(c, names, named)
		if err != nil {
			return err
		}
		any = append(any, e)
	}
	d.Expr = join(Or, any)
	return nil
}
