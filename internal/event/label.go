package event

// Label says of one value who wrote it and where it may go. The zero Label is
// the strictest: untrusted and restricted, so a value whose label was forgotten
// goes nowhere.
type Label struct {
	Integrity       Integrity
	Confidentiality Confidentiality
}

// Integrity says who wrote a text: the lowest wins where texts are joined.
type Integrity uint8

// The integrities, lowest first.
const (
	FromUntrusted Integrity = iota // a device, a feed, a document, a model
	FromSystem                     // computed by our own code
	FromOperator                   // written by a person of the site
)

// Confidentiality says where a value may go. The order is turned round so that
// the zero value is the strictest: the lowest wins where values are joined.
type Confidentiality uint8

// The confidentialities, strictest first.
const (
	IsRestricted Confidentiality = iota
	IsConfidential
	IsInternal
	IsPublic
)

// Join is the label of a value made of both: as little trusted as the less
// trusted, as secret as the more secret.
func (l Label) Join(o Label) Label {
	return Label{min(l.Integrity, o.Integrity), min(l.Confidentiality, o.Confidentiality)}
}

func (i Integrity) String() string {
	switch i {
	case FromOperator:
		return Operator
	case FromSystem:
		return System
	case FromUntrusted:
	}
	return Untrusted
}

func (c Confidentiality) String() string {
	switch c {
	case IsPublic:
		return Public
	case IsInternal:
		return Internal
	case IsConfidential:
		return Confidential
	case IsRestricted:
	}
	return Restricted
}

// ParseConfidentiality reads the word of a confidentiality. No word means
// internal, which is what an event of no zone is; an unknown word means
// restricted, and false.
func ParseConfidentiality(word string) (Confidentiality, bool) {
	switch word {
	case Public:
		return IsPublic, true
	case Internal, "":
		return IsInternal, true
	case Confidential:
		return IsConfidential, true
	case Restricted:
		return IsRestricted, true
	}
	return IsRestricted, false
}
