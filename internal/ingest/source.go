package ingest

import (
	"context"
	"time"
)

// Source brings records in by itself: a port that is listened on, a broker that
// is subscribed to, a file that grows. Run goes on until ctx ends and returns
// nil then; an error says why it cannot go on at all (a port that is taken).
// What comes back by itself, such as a broker that is away, is no error: it is
// in the Status.
type Source interface {
	Run(ctx context.Context, to Spooler) error
	Status() Status
}

// Spooler takes what a source received. When Put returns nil the payload
// survives kill -9 and will be stored once, however often the product is ended
// before. While the spool is full Put waits until there is room or ctx ends
// (back-pressure); a source that cannot wait, such as UDP, gives a ctx with a
// deadline and counts what was lost.
type Spooler interface {
	Put(ctx context.Context, p Payload) error
}

// Payload is one or more records as they were received.
type Payload struct {
	Source   string            `json:"s"`           // name of the source
	Peer     string            `json:"p,omitempty"` // who sent it, as far as the transport knows: address, client, file
	Format   string            `json:"f,omitempty"` // name of a [Format]; "" lets it be recognised
	Key      string            `json:"k,omitempty"` // two payloads with one key are one: idempotency key, file identity and offset; "": each is its own
	Stream   string            `json:"r,omitempty"` // what Data is a part of, such as one file: records are known by it and their place in it, so that a part that is put again is stored once. For formats of lines
	At       int64             `json:"o,omitempty"` // where in the Stream Data begins
	Received time.Time         `json:"t"`
	Meta     map[string]string `json:"m,omitempty"` // what the source knows beyond the bytes: see [MetaTopic]
	Else     string            `json:"e,omitempty"` // name of the [Format] of what is not recognised, or for no more than text
	Data     []byte            `json:"-"`
}

// Names that a [Payload.Meta] may hold. They become fields of the schema; others
// are kept as extras. What tells the device is told by the site and stands over
// what a record says itself, which is kept beside it; all else only fills what a
// record leaves open.
const (
	MetaDevice = "device.hostname"
	MetaIP     = "device.ip"
	MetaMAC    = "device.mac"
	MetaMetric = "metric.name"
	MetaTopic  = "mqtt.topic"
	MetaClient = "mqtt.client_id"
)

// State says how a source stands.
type State string

// The states of a source, from good to bad.
const (
	Running  State = "running"
	Starting State = "starting"
	Silent   State = "silent"  // nothing came for longer than is usual
	Waiting  State = "waiting" // back-pressure: the spool is full
	Failing  State = "failing" // many rejects, or its peer is away; it goes on
	Stopped  State = "stopped" // it cannot go on
)

// Status is what a source tells of itself. Counters are since the start.
type Status struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`    // syslog, http, mqtt, broker, tail, netflow, capture, captures, otlp
	Address  string    `json:"address"` // where it listens or what it reads
	State    State     `json:"state"`
	Text     string    `json:"text"`          // for people: "silent for 14 min"
	Since    time.Time `json:"since"`         // of the state
	Last     time.Time `json:"last,omitzero"` // last payload
	Received int64     `json:"received"`      // payloads from peers
	Bytes    int64     `json:"bytes"`
	Refused  int64     `json:"refused"` // not taken: too large, malformed, not allowed
	Lost     int64     `json:"lost"`    // could not wait (UDP under back-pressure)
	Peers    int       `json:"peers"`
	Events   int64     `json:"events"`   // stored; filled by the pipeline
	Rejected int64     `json:"rejected"` // records that no parser could read; filled by the pipeline
	Reasons  []Reason  `json:"reasons,omitempty"`
}
