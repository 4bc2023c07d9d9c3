package syslog

import (
	"strconv"
	"time"

	"vedette/internal/event"
)

// sessions remembers when sessions were opened, to give their end a duration.
// A session is known by its host, program, process and user.
type sessions struct {
	opened map[string]time.Time
}

// maxSessions bounds how many open sessions are remembered; the rest end
// without a duration.
const maxSessions = 10_000

// note looks at an event of a log that says when sessions open and close. A
// successful login opens one too, where nothing else says so.
func (s *sessions) note(e *event.Event, when time.Time) {
	opens := e.ActivityName() == "Session opened" || e.ActivityName() == "Logon" && e.Status() == event.Success
	closes := e.ActivityName() == "Logoff"
	if !opens && !closes || when.IsZero() || e.UserName() == "" || !e.Has(event.SlotProcessPid) {
		return
	}
	key := e.DeviceHostname() + "\x00" + e.ProcessName() + "\x00" + strconv.FormatInt(e.Int(event.SlotProcessPid), 10) + "\x00" + e.UserName()
	if opens {
		if s.opened == nil {
			s.opened = map[string]time.Time{}
		}
		if len(s.opened) < maxSessions {
			s.opened[key] = when
		}
		return
	}
	if at, ok := s.opened[key]; ok && !when.Before(at) {
		e.SetDuration(when.Sub(at).Seconds())
	}
	delete(s.opened, key)
}
