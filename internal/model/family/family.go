// Package family knows families of language models as data: how they mark
// turns, how much they hold, whether they keep to a schema, and what to mind.
//
// It owns families.json and the match from a served name or the architecture
// of a GGUF file to a family. It must not guess: a name that fits no family is
// [Unknown], and what a file or a server tells of a model counts more than
// what is said here of its family.
package family

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Family is what is known of a family of models.
type Family struct {
	Name          string   `json:"name"`
	Vendor        string   `json:"vendor,omitempty"`
	Title         string   `json:"title,omitempty"`
	Aliases       []string `json:"aliases,omitempty"`       // what its names contain, as [Normal] writes it
	Architectures []string `json:"architectures,omitempty"` // of GGUF files, where no other family has it
	Context       int      `json:"context,omitempty"`       // tokens it was made for; a server may give less
	Control       []string `json:"control,omitempty"`       // tokens that mark turns and tools; a text must not contain them
	Format        string   `json:"format,omitempty"`        // how turns are marked, for people
	Structured    Ability  `json:"structured,omitempty"`
	Small         []string `json:"small,omitempty"`             // its sizes up to 8B
	Local         bool     `json:"local,omitempty"`             // its weights can be had
	Thinks        bool     `json:"thinks,omitempty"`            // it may write what it thinks before it answers
	Fixed         bool     `json:"fixed_temperature,omitempty"` // it takes no temperature
	Note          string   `json:"note,omitempty"`
}

// Ability is how a family is made to keep to a schema.
type Ability string

// The abilities.
const (
	ByServer   Ability = "server"   // the server holds it to a grammar; llama.cpp, vLLM, Ollama and LM Studio can
	ByEndpoint Ability = "endpoint" // the endpoint takes the schema
	ByTool     Ability = "tool"     // it is made to call one tool whose arguments are the answer
	ByNothing  Ability = ""         // not known
)

// Unknown is the name of the family of a model that fits none.
const Unknown = "unknown"

//go:embed families.json
var raw []byte

// read decodes the families once. That they decode is a test.
var read = sync.OnceValue(func() []Family {
	var all []Family
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil
	}
	return all
})

// All lists the families.
func All() []Family { return slices.Clone(read()) }

// Named returns the family of a name as it stands in families.json.
func Named(name string) (Family, bool) {
	for _, f := range read() {
		if f.Name == name {
			return f, true
		}
	}
	return Family{Name: Unknown}, false
}

// Match finds the family of a model by the name it is served under, such as
// "llama3.2:3b", "Qwen/Qwen2.5-7B-Instruct" or "models/ministral-8b.gguf". The
// longest alias that stands in the name wins; a name that holds none is of the
// family [Unknown].
func Match(name string) Family {
	name = Normal(name)
	best, length := Family{Name: Unknown}, 0
	for _, f := range read() {
		for _, alias := range f.Aliases {
			if len(alias) > length && stands(name, alias, f.Local) {
				best, length = f, len(alias)
			}
		}
	}
	return best
}

// MatchFile finds the family of a GGUF file by its general.architecture and
// its name, general.name or the file's. The name counts first: many families
// share an architecture.
func MatchFile(architecture, name string) Family {
	if f := Match(name); f.Name != Unknown {
		return f
	}
	for _, f := range read() {
		if slices.Contains(f.Architectures, architecture) {
			return f
		}
	}
	return Family{Name: Unknown}
}

// Normal writes a name in small letters, without its folder, with one hyphen
// for whatever is no letter and no digit.
func Normal(name string) string {
	name = strings.ToLower(name[:min(len(name), 300)])
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	parts := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(parts, "-")
}

// stands reports whether alias stands in name between hyphens or the ends. One
// of a family whose weights cannot be had stands at the start of a name or
// behind that of its vendor: anyone may call a model of their own "-o1".
func stands(name, alias string, anywhere bool) bool {
	i := strings.Index("-"+name+"-", "-"+alias+"-")
	return i == 0 || i > 0 && (anywhere || len(alias) > 2)
}
