package intel

import (
	"strconv"
	"strings"
	"time"
)

// Chain is what stands behind an indicator, as the source joins it: the campaign,
// who is behind that, and the techniques; and how often others sighted it.
type Chain struct {
	Campaign   string    `json:"campaign,omitempty"`
	Actor      string    `json:"actor,omitempty"`
	Techniques string    `json:"techniques,omitempty"` // ATT&CK ids with ", " between, else names
	Sightings  int       `json:"sightings,omitempty"`
	Sighted    time.Time `json:"sighted,omitzero"` // last, to the day
}

// chainMark stands between the parts of a packed chain; no name has it, since
// readers take control characters out.
const chainMark = "\x1f"

// Packed is the family and the chain as one text without tabs and line ends, the
// family alone when there is no chain. [Indicator.Unpack] reads it.
func (in *Indicator) Packed() string {
	c := &in.Chain
	if *c == (Chain{}) {
		return in.Family
	}
	day := ""
	if !c.Sighted.IsZero() {
		day = c.Sighted.UTC().Format(time.DateOnly)
	}
	return strings.Join([]string{in.Family, c.Campaign, c.Actor, c.Techniques, strconv.Itoa(c.Sightings), day}, chainMark)
}

// Unpack sets the family and the chain to what Packed wrote.
func (in *Indicator) Unpack(text string) {
	in.Chain = Chain{}
	part := strings.Split(text, chainMark)
	in.Family = part[0]
	if len(part) != 6 {
		return
	}
	in.Campaign, in.Actor, in.Techniques = part[1], part[2], part[3]
	in.Sightings, _ = strconv.Atoi(part[4])
	in.Sighted, _ = time.Parse(time.DateOnly, part[5])
}
