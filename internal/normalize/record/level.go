package record

import (
	"strings"

	"vedette/internal/event"
)

// levels are the words that programs grade their messages with, in lower case.
var levels = map[string]event.Severity{
	"trace": event.Informational, "trace1": event.Informational, "trace2": event.Informational, "trace3": event.Informational, "verbose": event.Informational, "v": event.Informational,
	"debug": event.Informational, "dbg": event.Informational, "fine": event.Informational, "finer": event.Informational, "finest": event.Informational, "config": event.Informational,
	"info": event.Informational, "information": event.Informational, "informational": event.Informational, "inf": event.Informational,
	"notice": event.Low, "note": event.Low, "warn": event.Medium, "warning": event.Medium, "wrn": event.Medium,
	"err": event.High, "error": event.High, "severe": event.High, "failure": event.High, "crit": event.Critical, "critical": event.Critical,
	"alert": event.Critical, "emerg": event.Fatal, "emergency": event.Fatal, "fatal": event.Fatal, "panic": event.Fatal,
}

// Level is the severity that a word of a program stands for, or 0.
func Level(word string) event.Severity {
	if len(word) > 16 {
		return 0
	}
	return levels[strings.ToLower(word)]
}
