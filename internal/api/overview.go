package api

import "time"

// Overview is what is stored. Loading is the share of a history that is in, 1
// when nothing is being loaded.
type Overview struct {
	Events  int64     `json:"events"`
	Devices int       `json:"devices"`
	Zones   int       `json:"zones"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
	Loading float64   `json:"loading"`
}

// Happening is one event in short. Severity is low, medium, high or "".
type Happening struct {
	Time     time.Time `json:"time"`
	Log      string    `json:"log"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	What     string    `json:"what"`
	Severity string    `json:"severity,omitempty"`
}

// Health is how a named condition stands.
type Health string

// How conditions stand, from good to bad.
const (
	Good     Health = "ok"
	Starting Health = "starting"
	Warned   Health = "warning" // a person is to look at it; all is served
	Failed   Health = "failed"
)

// Condition is one named condition of health, with a text for people.
type Condition struct {
	Name  string `json:"name"`
	State Health `json:"state"`
	Text  string `json:"text"`
}
