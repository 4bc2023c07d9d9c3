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
