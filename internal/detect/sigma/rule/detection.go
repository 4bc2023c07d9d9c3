package rule

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// builder turns the selections of one document into expressions.
type builder struct {
	tests int
}

// selection reads a selection: a map (all of it), a list (any of it), or
// keywords.
func (b *builder) selection(n *yaml.Node, depth int) (*Expr, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("selections nest more than %d deep", maxDepth)
	}
	switch n = follow(n); n.Kind {
	case yaml.MappingNode:
		return b.mapping(n)
	case yaml.SequenceNode:
		var kids []*Expr
		for _, kid := range n.Content {
			e, err := b.selection(kid, depth+1)
			if err != nil {
				return nil, err
			}
			kids = append(kids, e)
		}
		if len(kids) == 0 {
			return nil, fmt.Errorf("an empty list selects nothing")
		}
		return join(Or, kids), nil
	case yaml.ScalarNode:
		return b.item("", []*yaml.Node{n})
	default:
		return nil, fmt.Errorf("a selection is a map or a list")
	}
}

func (b *builder) mapping(n *yaml.Node) (*Expr, error) {
	var kids []*Expr
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i].Value, follow(n.Content[i+1])
		values := []*yaml.Node{val}
		switch val.Kind {
		case yaml.SequenceNode:
			values = val.Content
		case yaml.MappingNode:
			return nil, fmt.Errorf("%s: a map below a field has no meaning", clip(key))
		default:
		}
		e, err := b.item(key, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", clip(key), err)
		}
		kids = append(kids, e)
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("an empty map selects nothing")
	}
	return join(And, kids), nil
}

// item reads one field with modifiers and its values.
func (b *builder) item(key string, nodes []*yaml.Node) (*Expr, error) {
	names := strings.Split(key, "|")
	it := item{field: strings.TrimSpace(names[0])}
	for _, n := range nodes {
		v, err := scalar(follow(n))
		if err != nil {
			return nil, err
		}
		it.values = append(it.values, []value{v})
	}
	if len(it.values) == 0 {
		return nil, fmt.Errorf("an empty list matches nothing")
	}
	for _, name := range names[1:] {
		m := modifierOf(strings.TrimSpace(name))
		if m == nil {
			return nil, fmt.Errorf("unknown modifier %q", clip(name))
		}
		if err := m(&it); err != nil {
			return nil, err
		}
	}
	if it.field == "" && (it.exists || it.ref || it.cidr || it.part != "" || it.relation != 0) {
		return nil, fmt.Errorf("this modifier needs a field")
	}
	tests, err := it.tests()
	if err != nil {
		return nil, err
	}
	if b.tests += len(tests); b.tests > maxTests {
		return nil, fmt.Errorf("more than %d values in one rule", maxTests)
	}
	e := join(Or, tests)
	if it.all {
		e = join(And, tests)
	}
	if it.neq {
		e = &Expr{Op: Not, Kids: []*Expr{e}}
	}
	return e, nil
}

// join combines expressions; one stays as it is.
func join(op Op, kids []*Expr) *Expr {
	if len(kids) == 1 {
		return kids[0]
	}
	return &Expr{Op: op, Kids: kids}
}

// scalar reads one value. Numbers, true and false are written in one way, so
// that they compare with texts.
func scalar(n *yaml.Node) (value, error) {
	if n.Kind != yaml.ScalarNode {
		return value{}, fmt.Errorf("a value is a text, a number, true, false or null")
	}
	if len(n.Value) > maxValue {
		return value{}, fmt.Errorf("a value of more than %d bytes", maxValue)
	}
	switch n.ShortTag() {
	case "!!null":
		return value{null: true}, nil
	case "!!bool":
		word := "false"
		if strings.EqualFold(n.Value, "true") || strings.EqualFold(n.Value, "yes") || strings.EqualFold(n.Value, "on") {
			word = "true"
		}
		return value{text: Text{{Literal, word}}, raw: word, truth: true}, nil
	case "!!int":
		raw := n.Value
		if i, err := strconv.ParseInt(strings.ReplaceAll(raw, "_", ""), 0, 64); err == nil {
			raw = strconv.FormatInt(i, 10)
		}
		return value{text: Text{{Literal, raw}}, raw: raw, number: true}, nil
	case "!!float":
		raw := n.Value
		if f, err := strconv.ParseFloat(raw, 64); err == nil {
			raw = strconv.FormatFloat(f, 'f', -1, 64)
		}
		return value{text: Text{{Literal, raw}}, raw: raw, number: true}, nil
	}
	return value{text: ParseText(n.Value), raw: n.Value}, nil
}

// follow goes through aliases; what it returns may have aliases below it.
func follow(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// measure refuses documents that are too large or too deep with their aliases
// followed, so that nothing after it must count. It also refuses keys that
// stand twice, which would hide one another.
func measure(n *yaml.Node) error {
	left := maxNodes
	var walk func(n *yaml.Node, depth int) error
	walk = func(n *yaml.Node, depth int) error {
		if n = follow(n); n.Kind == yaml.AliasNode {
			return fmt.Errorf("aliases that lead nowhere")
		}
		if left--; left < 0 {
			return fmt.Errorf("more than %d values with aliases followed", maxNodes)
		}
		if depth > maxDepth {
			return fmt.Errorf("nests more than %d deep", maxDepth)
		}
		seen := make(map[string]bool)
		for i, kid := range n.Content {
			if n.Kind == yaml.MappingNode && i%2 == 0 {
				if kid.Kind != yaml.ScalarNode || kid.Tag == "!!merge" {
					return fmt.Errorf("line %d: a key must be a plain text", kid.Line)
				}
				if seen[kid.Value] {
					return fmt.Errorf("line %d: %s stands twice", kid.Line, clip(kid.Value))
				}
				seen[kid.Value] = true
			}
			if err := walk(kid, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(n, 0)
}
