package config

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
)

// maxFile bounds a configuration file.
const maxFile = 4 << 20

// Setting is one value from the environment or from a flag: a dotted key of a
// single value, such as limits.memory.
type Setting struct{ Origin, Key, Value string }

// Sources are where a configuration comes from.
type Sources struct {
	File  string    // path; "" means none
	Env   []string  // "NAME=value", as os.Environ returns
	Flags []Setting // win over all
}

// EnvPrefix begins the names of variables. VEDETTE_LIMITS_MEMORY is
// limits.memory.
const EnvPrefix = "VEDETTE_"

// otherEnv are variables of this prefix that are no settings: they direct one
// command.
var otherEnv = map[string]bool{"VEDETTE_SERVER": true, "VEDETTE_CONFIG": true, "VEDETTE_SHARED": true, "VEDETTE_LLAMA_SERVER": true, "VEDETTE_GGUF": true}

// Load reads the configuration. If anything is wrong it returns an Invalid
// fault of which [ProblemsOf] gives all problems.
func Load(src Sources) (Config, error) {
	cfg, _, err := LoadTold(src)
	return cfg, err
}

// Origins say where settings were written, by key: a file with its line, a
// variable or a flag. What is a default is not in it.
type Origins map[string]string

// LoadTold is Load that tells where each setting comes from.
func LoadTold(src Sources) (Config, Origins, error) {
	l := loader{cfg: Default(), lines: make(map[string]int)}
	if src.File != "" {
		if err := l.readFile(src.File); err != nil {
			return l.cfg, nil, err
		}
	}
	l.readEnv(src.Env)
	l.cfg.Model.FromEnv = l.origins["model.url"].Origin != "" && l.origins["model.name"].Origin != ""
	for _, f := range src.Flags {
		l.set(f)
	}
	for _, p := range l.cfg.Problems() {
		l.locate(&p)
		if !l.told(p.Key) {
			l.problems = append(l.problems, p)
		}
	}
	if len(l.problems) > 0 {
		return l.cfg, nil, &problemsError{l.problems}
	}
	return l.cfg, l.allOrigins(), nil
}

// allOrigins are the origins of all that was set.
func (l *loader) allOrigins() Origins {
	out := make(Origins, len(l.lines)+len(l.origins))
	for key, line := range l.lines {
		if !l.empty[key] {
			out[key] = l.file + ":" + strconv.Itoa(line)
		}
	}
	for key, s := range l.origins {
		out[key] = s.Origin
	}
	return out
}

// ProblemsOf returns the problems behind an error of [Load].
func ProblemsOf(err error) []Problem {
	if p, ok := errors.AsType[*problemsError](err); ok {
		return p.problems
	}
	return nil
}

type problemsError struct{ problems []Problem }

func (e *problemsError) Error() string {
	lines := make([]string, len(e.problems))
	for i, p := range e.problems {
		lines[i] = p.String()
	}
	return "reading the configuration: " + strings.Join(lines, "; ")
}

// Unwrap gives the error its kind.
func (e *problemsError) Unwrap() error {
	return fault.New(fault.Invalid, "%s", e.Error()).WithHint("run `vedette config check`; the settings are listed by `vedette config print`")
}

type loader struct {
	cfg      Config
	file     string
	lines    map[string]int     // key path -> line in the file
	empty    map[string]bool    // keys without a value
	origins  map[string]Setting // key -> variable or flag that set it
	problems []Problem
}

func (l *loader) locate(p *Problem) {
	if s, ok := l.origins[p.Key]; ok {
		p.Origin = s.Origin
		return
	}
	for key := p.Key; key != ""; key = parent(key) {
		if line, ok := l.lines[key]; ok {
			p.Origin, p.Line = l.file, line
			return
		}
	}
}

func parent(key string) string {
	at := max(strings.LastIndexByte(key, '.'), strings.LastIndexByte(key, '['))
	return key[:max(at, 0)]
}

func (l *loader) told(key string) bool {
	for _, p := range l.problems {
		if p.Key == key {
			return true
		}
	}
	return false
}

func (l *loader) problem(line int, key, text, hint string) {
	l.problems = append(l.problems, Problem{Line: line, Origin: l.file, Key: key, Text: text, Hint: hint})
}

func (l *loader) readFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "opening configuration file %s", path).WithHint("name an existing file with --config")
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading configuration file %s", path)
	}
	if len(raw) > maxFile {
		return fault.New(fault.Invalid, "reading configuration file %s: it is larger than %d MB", path, maxFile>>20)
	}
	l.file = path
	l.readYAML(raw)
	return nil
}

func (l *loader) readYAML(raw []byte) {
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			l.problem(lineOf(err), "", "not YAML: "+strings.TrimPrefix(err.Error(), "yaml: "), "indent by spaces, one key a line")
		}
		return
	}
	var second yaml.Node
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		l.problem(second.Line, "", "holds more than one YAML document", "")
		return
	}
	l.fill(doc.Content[0], "", reflect.ValueOf(&l.cfg).Elem())
}

// lineOf reads the line that the YAML library puts into its text.
func lineOf(err error) int {
	_, rest, ok := strings.Cut(err.Error(), "line ")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}

// fill sets v from a YAML node, and notes every problem on the way.
func (l *loader) fill(n *yaml.Node, key string, v reflect.Value) {
	l.lines[key] = n.Line
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		l.problem(n.Line, key, "anchors and aliases are not read here", "write the value out")
		return
	}
	if _, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		l.fillScalar(n, key, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		l.fillStruct(n, key, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			l.problem(n.Line, key, "is not a list", "write it as [a, b], or one item a line behind a dash")
			return
		}
		list := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
		for i, item := range n.Content {
			l.fill(item, fmt.Sprintf("%s[%d]", key, i), list.Index(i))
		}
		v.Set(list)
	case reflect.Map:
		l.fillMap(n, key, v)
	default:
		l.fillScalar(n, key, v)
	}
}

func (l *loader) fillStruct(n *yaml.Node, key string, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // a section with all its keys commented out
	}
	if n.Kind != yaml.MappingNode {
		l.problem(n.Line, key, "is not a section of keys", "known keys: "+strings.Join(keysOf(v.Type()), ", "))
		return
	}
	seen := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, path := n.Content[i].Value, join(key, n.Content[i].Value)
		if first, ok := seen[name]; ok {
			l.problem(n.Content[i].Line, path, "is set twice", fmt.Sprintf("first in line %d", first))
			continue
		}
		seen[name] = n.Content[i].Line
		field, ok := fieldOf(v, name)
		if !ok {
			l.problem(n.Content[i].Line, path, "unknown key", nearHint(name, keysOf(v.Type())))
			continue
		}
		l.fill(n.Content[i+1], path, field)
		l.lines[path] = n.Content[i].Line
	}
}

// fillMap reads a section whose keys are the reader's own words.
func (l *loader) fillMap(n *yaml.Node, key string, v reflect.Value) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.problem(n.Line, key, "is not a list of pairs", "write one pair a line: name: value")
		return
	}
	if len(n.Content) == 0 {
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, path := reflect.ValueOf(n.Content[i].Value), key+"["+n.Content[i].Value+"]"
		if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].Value == "" {
			l.problem(n.Content[i].Line, key, "has a pair without a name", "")
			continue
		}
		if out.MapIndex(name).IsValid() {
			l.problem(n.Content[i].Line, path, "is set twice", "")
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		l.fill(n.Content[i+1], path, item)
		out.SetMapIndex(name, item)
	}
	v.Set(out)
}

func (l *loader) fillScalar(n *yaml.Node, key string, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		l.problem(n.Line, key, "is not a single value", "")
		return
	}
	if n.Tag == "!!null" {
		if l.empty == nil {
			l.empty = make(map[string]bool)
		}
		l.empty[key] = true
		return // "key:" without a value keeps the default
	}
	if err := setScalar(v, n.Value); err != nil {
		l.problem(n.Line, key, err.Error(), "")
	}
}

func setScalar(v reflect.Value, s string) error {
	if t, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return t.UnmarshalText([]byte(s))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Int:
		n, err := strconv.Atoi(strings.ReplaceAll(s, "_", ""))
		if err != nil {
			return fmt.Errorf("%q is no whole number", s)
		}
		v.SetInt(int64(n))
	case reflect.Bool:
		switch strings.ToLower(s) {
		case "true", "yes", "on", "1":
			v.SetBool(true)
		case "false", "no", "off", "0":
			v.SetBool(false)
		default:
			return fmt.Errorf("%q is neither true nor false", s)
		}
	default:
		return errors.New("cannot be set by a single value")
	}
	return nil
}

func (l *loader) readEnv(env []string) {
	keys := scalarKeys(reflect.TypeFor[Config](), "")
	byName := make(map[string]string, len(keys))
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = EnvPrefix + strings.ToUpper(strings.ReplaceAll(k, ".", "_"))
		byName[names[i]] = k
	}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, EnvPrefix) || otherEnv[name] || value == "" {
			continue
		}
		if key, ok := byName[name]; ok {
			l.set(Setting{Origin: name, Key: key, Value: value})
			continue
		}
		l.problems = append(l.problems, Problem{Origin: name, Text: "unknown variable", Hint: nearHint(name, names)})
	}
}

// set applies one setting of a single value.
func (l *loader) set(s Setting) {
	v := reflect.ValueOf(&l.cfg).Elem()
	for part := range strings.SplitSeq(s.Key, ".") {
		field, ok := reflect.Value{}, false
		if v.Kind() == reflect.Struct {
			field, ok = fieldOf(v, part)
		}
		if !ok {
			l.problems = append(l.problems, Problem{Origin: s.Origin, Key: s.Key, Text: "unknown key", Hint: nearHint(s.Key, scalarKeys(reflect.TypeFor[Config](), ""))})
			return
		}
		v = field
	}
	if err := setScalar(v, s.Value); err != nil {
		l.problems = append(l.problems, Problem{Origin: s.Origin, Key: s.Key, Text: err.Error()})
		return
	}
	if l.origins == nil {
		l.origins = make(map[string]Setting)
	}
	l.origins[s.Key] = s
}

// ReadSource reads one source as the file has it, from JSON or YAML, and checks it
// by the same rules. The keys of problems are those of the source.
func ReadSource(raw []byte) (Source, []Problem) {
	var s Source
	problems := readOne(raw, &s, "is no source: it has at least a name and a kind", func() []Problem { return s.Problems() })
	return s, problems
}

// ReadZone reads one zone as [ReadSource] does a source.
func ReadZone(raw []byte) (Zone, []Problem) {
	var z Zone
	problems := readOne(raw, &z, "is no zone: it has at least a name and subnets", func() []Problem { return z.Problems() })
	return z, problems
}

// ReadPull reads one feed that is pulled as [ReadSource] does a source.
func ReadPull(raw []byte) (Pull, []Problem) {
	var p Pull
	problems := readOne(raw, &p, "is no feed: it has at least a name, a kind and a url", func() []Problem { return p.Problems() })
	return p, problems
}

// ReadModelEndpoint reads one endpoint of a model as [ReadSource] does a source.
func ReadModelEndpoint(raw []byte) (ModelEndpoint, []Problem) {
	var e ModelEndpoint
	problems := readOne(raw, &e, "is no endpoint of a model: it has at least a name, a url, a model and a location", func() []Problem { return e.Problems() })
	return e, problems
}

// ReadModelRule reads one rule of what may go to models as [ReadSource] does a source.
func ReadModelRule(raw []byte) (ModelRule, []Problem) {
	var m ModelRule
	problems := readOne(raw, &m, "is no rule: it has at least highest", func() []Problem { return m.Problems() })
	return m, problems
}

// readOne reads one element of a list of the configuration and checks it.
func readOne(raw []byte, into any, none string, check func() []Problem) []Problem {
	l := loader{lines: make(map[string]int)}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil || len(doc.Content) == 0 {
		return []Problem{{Text: none}}
	}
	l.fill(doc.Content[0], "", reflect.ValueOf(into).Elem())
	for i := range l.problems {
		l.problems[i].Line = 0
	}
	for _, p := range check() {
		if !l.told(p.Key) {
			l.problems = append(l.problems, p)
		}
	}
	return l.problems
}

// JSON writes a source in the form that [ReadSource] reads: what is set, by its
// keys.
func (s Source) JSON() ([]byte, error) {
	out := map[string]any{}
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			value := f.Interface()
			if t, ok := value.(encoding.TextMarshaler); ok {
				text, err := t.MarshalText()
				if err != nil {
					return nil, err
				}
				value = string(text)
			}
			out[v.Type().Field(i).Tag.Get("yaml")] = value
		}
	}
	return json.Marshal(out)
}
