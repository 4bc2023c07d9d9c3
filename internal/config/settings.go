package config

import (
	"errors"
	"path/filepath"
	"strconv"
)

// Settings say what administrators may set through API, console and command line.
// What this file names is fixed all the same.
type Settings struct {
	Change  bool     `yaml:"change"  doc:"let administrators set retention, sources, rules, zones, feeds, models and limits while the server runs; false: the configuration alone decides"`
	Follow  []string `yaml:"follow"  doc:"directories below which a source that was made so may follow files"`
	Secrets []string `yaml:"secrets" doc:"directories from which such a source may read passwords, certificates and users, and a feed or model its key; the folder secrets of the data directory is one always"`
	Inside  []Prefix `yaml:"inside"  doc:"networks that are not on the internet and inside of which feeds that are set so may be asked, and which count as the premises for models; none unless named"`
}

// DefaultSettings lets them, with the logs of the system.
func DefaultSettings() Settings { return Settings{Change: true, Follow: []string{"/var/log"}} }

// Problems checks the section.
func (s Settings) Problems() []Problem {
	var out []Problem
	check := func(key string, list []string) {
		for i, dir := range list {
			if !filepath.IsAbs(dir) || filepath.Clean(dir) == "/" {
				out = append(out, Problem{Key: key + "[" + strconv.Itoa(i) + "]", Text: strconv.Quote(dir) + " is no directory to name here", Hint: "an absolute path below /"})
			}
		}
	}
	check("follow", s.Follow)
	check("secrets", s.Secrets)
	return out
}

// Set sets one limit by its key, as the file does.
func (l *Limits) Set(key, value string) []Problem {
	var err error
	switch key {
	case "query_time":
		err = l.QueryTime.UnmarshalText([]byte(value))
	case "spool":
		err = l.SpoolBytes.UnmarshalText([]byte(value))
	case "devices":
		l.Devices, err = strconv.Atoi(value)
		if err != nil {
			err = errors.New(strconv.Quote(value) + " is no number of devices")
		}
	default:
		err = errors.New("it is no limit that is set so")
	}
	if err != nil {
		return []Problem{{Key: key, Text: err.Error()}}
	}
	return nil
}

// Text is one limit as the file has it.
func (l Limits) Text(key string) string {
	switch key {
	case "query_time":
		return l.QueryTime.String()
	case "spool":
		return l.SpoolBytes.String()
	case "devices":
		return strconv.Itoa(l.Devices)
	case "memory":
		return l.Memory.String()
	case "threads":
		return strconv.Itoa(l.Threads)
	}
	return ""
}

// Texts are both values as the file has them.
func (r Retention) Texts() (events, disk string) { return r.Events.String(), r.Disk.String() }

// Set sets one value by its key, events or disk, as the file does.
func (r *Retention) Set(key, value string) []Problem {
	var err error
	if key == "events" {
		err = r.Events.UnmarshalText([]byte(value))
	} else {
		err = r.Disk.UnmarshalText([]byte(value))
	}
	if err != nil {
		return []Problem{{Key: key, Text: err.Error()}}
	}
	return nil
}
