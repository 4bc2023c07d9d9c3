// Package rule reads Sigma 2.1 documents: rules, correlations and filters. It
// owns their meaning as written: what modifiers do to values, how selections
// and conditions combine. The result of a detection is one tree of tests
// ([Expr]) that a matcher can compile.
//
// Rules come from strangers as well as from operators: every size is bounded,
// and a document that cannot be understood is refused with its name and the
// reason while the others load. The package must not know events.
package rule

// The bounds of what is read. A document beyond one of them is refused.
const (
	MaxFile      = 16 << 20 // bytes of a file
	MaxDocument  = 2 << 20  // bytes of one document in it
	maxDepth     = 24       // maps and lists inside each other
	maxNodes     = 200_000  // YAML values of a document, aliases followed
	maxValue     = 64 << 10 // bytes of one value
	maxTests     = 50_000   // tests of a rule after expansion
	maxRegex     = 8 << 10  // bytes of a regular expression
	maxCondition = 16 << 10 // bytes of a condition
	maxTags      = 200
)

// Kind is what a document is.
type Kind uint8

// The kinds of documents.
const (
	Detection Kind = iota + 1
	Correlation
	Filter
)

// Document is one Sigma document.
type Document struct {
	Kind   Kind
	File   string
	Line   int // where it begins in the file
	ID     string
	Name   string
	Title  string
	Level  string
	Status string
	Author string
	Tags   []string

	Source LogSource
	// Expr is the condition of a rule, or of a filter, over its selections.
	Expr *Expr
	// Rules are the ids or names that a correlation or a filter is about. A
	// filter for any rule has none.
	Rules []string
	// Window is set for correlations.
	Window *Window
}

// Label is what a person calls the document: its title, else id, name or file.
func (d *Document) Label() string {
	for _, s := range []string{d.Title, d.ID, d.Name, d.File} {
		if s != "" {
			return s
		}
	}
	return "document"
}

// LogSource is which logs a rule is about, in lower case.
type LogSource struct {
	Product  string `json:"product,omitempty"`
	Category string `json:"category,omitempty"`
	Service  string `json:"service,omitempty"`
}

// String is the log source as product/category/service.
func (l LogSource) String() string { return l.Product + "/" + l.Category + "/" + l.Service }

// Refusal says which document was not taken and why.
type Refusal struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Rule   string `json:"rule,omitempty"` // id, else title
	Reason string `json:"reason"`
}

// Op is what an Expr does with what is below it.
type Op uint8

// The operations of a condition.
const (
	And Op = iota + 1
	Or
	Not
	AtLeast // N of Kids
	Leaf    // Test
)

// Expr is a node of a condition. Nodes may be shared; the tree has no cycles.
type Expr struct {
	Op   Op
	N    int
	Kids []*Expr
	Test *Test
}

// TestOp is how a test compares.
type TestOp uint8

// The comparisons. Only the fields of Test that are named are set.
const (
	Matches TestOp = iota + 1 // Text, Cased
	Regex                     // Pattern
	InCIDR                    // Prefix
	Compare                   // Number, Relation and, for times, Part
	Exists                    // Yes
	Null                      // the field is absent or empty
	SameAs                    // Ref, Start, End, Cased
)

// Relation compares numbers.
type Relation uint8

// The relations.
const (
	Equal Relation = iota + 1
	Less
	LessEqual
	Greater
	GreaterEqual
)

// Test compares one field with one value. A Field of "" means a keyword: any
// text of the event.
type Test struct {
	Field    string
	Op       TestOp
	Text     Text
	Cased    bool
	Bool     bool // Text is a YAML true or false
	Pattern  string
	CIDR     string
	Number   float64
	Relation Relation
	Part     string // minute, hour, day, week, month, year
	Yes      bool
	Ref      string
	Start    bool // SameAs: the value of Ref is at the start, at the end, or (both false) all of it
	End      bool
	Inside   bool
}
