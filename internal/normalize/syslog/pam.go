package syslog

import (
	"regexp"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// pamNames are the fields of PAM's lines; the longer of two that end alike is
// first.
var pamNames = []string{"logname", "euid", "uid", "tty", "ruser", "user", "rhost"}

const maxPAMFields = 16

// pamFields reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=H  user=U".
func pamFields(e *event.Event, text string) {
	for range maxPAMFields {
		name, v, rest, ok := nextPAM(text)
		if !ok {
			return
		}
		switch name {
		case "rhost":
			from(e, v, "")
		case "user":
			e.SetUserName(v)
		case "ruser":
			e.SetActorUserName(v)
		default:
			e.SetExtra("pam."+name, v)
		}
		text = rest
	}
}

// nextPAM finds the next field: a name, "=" and all up to white space.
func nextPAM(text string) (name, v, rest string, ok bool) {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '=')
		if i < 0 {
			return "", "", "", false
		}
		at += i
		for _, name := range pamNames {
			if !strings.HasSuffix(text[:at], name) {
				continue
			}
			v = text[at+1:]
			if end := strings.IndexAny(v, " \t\n\f\r"); end >= 0 {
				v, rest = v[:end], v[end:]
			}
			return name, v, rest, true
		}
	}
}

func session(e *event.Event, what, user string) {
	e.SetClassUID(int64(event.Authentication))
	e.SetUserName(user)
	e.SetActivityName("Logoff")
	if strings.HasPrefix(e.ProcessName(), "sshd") {
		e.SetAppName("ssh")
	}
	if what == "opened" {
		e.SetActivityName("Session opened")
	}
	e.SetMetadataEventCode("session_" + what)
}

var (
	oldFailure = regexp.MustCompile(`^(?:(\d{1,6}) more )?authentication failures?; (.*)$`)
	oldSession = regexp.MustCompile(`^session (opened|closed) for user (\S+)(?: by ([^\s(]*)\(uid=(\d+)\))?`)
	oldCheck   = regexp.MustCompile(`^check pass; user unknown`)
)

// oldPAM reads the lines of "sshd(pam_unix)" and its like, which have no other
// authority beside them.
func oldPAM(e *event.Event, l line) {
	if m := oldFailure.FindStringSubmatch(l.text); m != nil {
		logon(e, "", "", "", event.Failure)
		record.Set(e, event.SlotCount, "count", m[1])
		pamFields(e, m[2])
		return
	}
	if m := oldSession.FindStringSubmatch(l.text); m != nil {
		session(e, m[1], m[2])
		if m[1] == "opened" {
			logon(e, m[2], "", "", event.Success)
			e.SetActorUserName(m[3])
		}
		return
	}
	if oldCheck.MatchString(l.text) {
		e.SetClassUID(int64(event.Authentication))
		e.SetActivityName("Preauth")
		e.SetMetadataEventCode("unknown_user")
		e.SetStatusDetail("invalid user")
	}
}
