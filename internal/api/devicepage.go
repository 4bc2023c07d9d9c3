package api

import (
	"time"

	"vedette/internal/asset/mud"
	"vedette/internal/detect/behave"
)

// DeviceBehaviour is what a device did in a time beside what is usual of it.
type DeviceBehaviour struct {
	From  time.Time     `json:"from"`
	To    time.Time     `json:"to"`
	Step  int           `json:"step"`            // seconds of a span: 60, or 3600, of which the busiest minute is told
	Usual *behave.Usual `json:"usual,omitempty"` // absent: nothing is learnt of it, or Note says why it cannot be told
	Note  string        `json:"note,omitempty"`

	Spans     []DeviceSpan     `json:"spans"`
	Peers     []DevicePeer     `json:"peers"`
	Functions []DeviceFunction `json:"functions"`
	Readings  []DeviceReading  `json:"readings"`
	Cut       []string         `json:"cut"` // what there was more of than is told
}

// DeviceSpan is what a device did in a minute, or in the busiest minute of an
// hour, each figure by itself.
type DeviceSpan struct {
	Time     time.Time `json:"time"`
	Events   float64   `json:"events"`
	BytesOut float64   `json:"bytes_out"`
	BytesIn  float64   `json:"bytes_in"`
	Peers    float64   `json:"peers"` // that it called
	Failures float64   `json:"failures"`
}

// DevicePeer is with whom a device spoke. Known is a word of [behave.Detector.Knows].
type DevicePeer struct {
	Asked    bool      `json:"asked"` // the peer began
	IP       string    `json:"ip"`
	UID      string    `json:"uid,omitempty"`
	Name     string    `json:"name,omitempty"`
	Service  string    `json:"service,omitempty"`
	Count    int64     `json:"count"`
	Bytes    int64     `json:"bytes"`
	First    time.Time `json:"first"` // in the time that was asked for
	Last     time.Time `json:"last"`
	Known    string    `json:"known,omitempty"`
	Findings []string  `json:"findings,omitempty"` // titles of what was found between both
	Breach   bool      `json:"breach,omitempty"`   // one of them is a zone, conduit or MUD file that does not allow it
}

// DeviceFunction is what a device asked controllers for, or was asked for.
type DeviceFunction struct {
	Asked    bool      `json:"asked"` // of this device by others
	Protocol string    `json:"protocol"`
	Function string    `json:"function"`
	Code     int64     `json:"code"`
	Write    bool      `json:"write"`
	Count    int64     `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Known    string    `json:"known,omitempty"`
}

// DeviceReading is one telemetry tag over time: least, mean and largest value of
// each span.
type DeviceReading struct {
	Name string      `json:"name"`
	Time []time.Time `json:"time"`
	Low  []float64   `json:"low"`
	Mean []float64   `json:"mean"`
	High []float64   `json:"high"`
}

// DeviceMUD is a policy learnt from what a device was seen to do, and what it
// says of newer flows.
type DeviceMUD struct {
	Learnt time.Time       `json:"learnt_until"` // flows up to here made the file
	From   time.Time       `json:"from"`         // of what was looked at
	To     time.Time       `json:"to"`
	Report mud.LearnReport `json:"report"`
	Allows []MUDEntry      `json:"allows"`
	Tested MUDTest         `json:"tested"` // the flows since
	Cut    bool            `json:"cut"`    // there are more kinds of flows than were looked at
}

// MUDEntry is one entry of a MUD file in short.
type MUDEntry struct {
	FromDevice bool   `json:"from_device"`
	Peer       string `json:"peer"`
	Protocol   string `json:"protocol"`
	Port       string `json:"port"`
}

// MUDTest is what a policy says of flows.
type MUDTest struct {
	Flows   int       `json:"flows"`
	Allowed int       `json:"allowed"`
	Denied  int       `json:"denied"`
	Unsure  int       `json:"unsure"`
	Lines   []MUDFlow `json:"lines"` // those outside first, then the most frequent
	Cut     bool      `json:"cut,omitempty"`
}

// MUDFlow is flows of one kind.
type MUDFlow struct {
	Verdict    string `json:"verdict"` // allowed, denied or unsure
	FromDevice bool   `json:"from_device"`
	Peer       string `json:"peer"`
	Name       string `json:"name,omitempty"`
	Protocol   string `json:"protocol"`
	Port       int    `json:"port"`
	Count      int    `json:"count"`
	Lacks      string `json:"lacks,omitempty"` // why it is not known whether it is allowed
}

// DeviceChange is one event that changed, or was to change, what a device runs.
type DeviceChange struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event"` // metadata.uid
	Kind  string    `json:"kind"`  // program, firmware, configuration or restart
	What  string    `json:"what"`
	By    string    `json:"by,omitempty"` // address or name
	ByUID string    `json:"by_uid,omitempty"`
	Log   string    `json:"log"`
	Fails bool      `json:"fails,omitempty"` // it was refused or failed
}

// DeviceMoment is one entry in the life of a device.
type DeviceMoment struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
	By   string    `json:"by,omitempty"` // a person; "": it was computed
}

// DeviceLife is how a device stands in its life and how it came there.
type DeviceLife struct {
	State   string         `json:"state"`
	Why     string         `json:"why,omitempty"`
	History []DeviceMoment `json:"history"` // the newest first
	Cut     bool           `json:"cut,omitempty"`
}

// DeviceSpanWish is of which device and how far back.
type DeviceSpanWish struct {
	Device string
	Span   time.Duration // 0: a day
}
