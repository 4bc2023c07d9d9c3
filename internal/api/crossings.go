package api

import "time"

// CrossingWish asks what devices of zones speak with other zones.
type CrossingWish struct {
	Zones []string      // those whose devices are named
	Span  time.Duration // of this long before the newest event; 0: all that is stored
}

// Crossing is what one device exchanged with one other zone. Of the other end
// nothing is told but its zone.
type Crossing struct {
	Device string    `json:"device"` // uid
	Name   string    `json:"name"`
	Zone   string    `json:"zone"`  // of the device
	Other  string    `json:"other"` // the other zone; empty: devices without one
	Begun  string    `json:"begun"` // by whom: here or there
	Events int64     `json:"events"`
	Bytes  int64     `json:"bytes"`
	Writes int64     `json:"writes"` // events that changed a controller
	Last   time.Time `json:"last"`
}

// Crossings are the busiest of them.
type Crossings struct {
	List  []Crossing `json:"list"`
	Total int        `json:"total"`
}

// PassageWish asks what passes between the zones of a site.
type PassageWish struct {
	Zones []string      // one end is in one of these; empty: all
	Span  time.Duration // of this long before the newest event; 0: all that is stored
}

// Passage is what was exchanged from one place to another, in the direction in which
// it was begun, and what the site's policy says of it. A place is a zone, or where no
// zone is: internet, unzoned (a private address) or nowhere (a group, loopback,
// link-local).
type Passage struct {
	From       string      `json:"from"`
	To         string      `json:"to"`
	Events     int64       `json:"events"`
	Bytes      int64       `json:"bytes"`
	Writes     int64       `json:"writes"` // events that changed a controller
	Last       time.Time   `json:"last"`
	Standing   string      `json:"standing"` // covered, denied, isolated, nothing, within or open
	Conduits   []Covering  `json:"conduits"` // that lead there
	Violations int64       `json:"violations"`
	Violated   []Violation `json:"violated"`
	Query      string      `json:"query"` // conditions that find its events; empty: they are not shown to who asks
}

// Covering is a conduit that covers a passage.
type Covering struct {
	Name   string `json:"name"`
	Deny   bool   `json:"deny"`
	Allows string `json:"allows"` // in words
}

// Violation is a rule of the policy that findings of a passage were raised by.
type Violation struct {
	Rule     string `json:"rule"` // such as policy/conduit/scada
	Findings int64  `json:"findings"`
}

// Passages are the busiest of them, under the policy in force.
type Passages struct {
	Policy   ZonePolicy `json:"policy"`
	List     []Passage  `json:"rows"`
	Total    int        `json:"total"`
	Unplaced int64      `json:"unplaced"` // findings of the policy of which an end is not told, such as one at many addresses
}
