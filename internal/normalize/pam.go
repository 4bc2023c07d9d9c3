package normalize

import (
	"regexp"
	"strings"

	"vedette/internal/event"
)

var pamField = regexp.MustCompile(`(logname|uid|euid|tty|ruser|rhost|user)=(\S*)`)

// pamFields reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=H  user=U".
func pamFields(e *event.Event, text string) {
	for _, m := range pamField.FindAllStringSubmatch(text, 16) {
		switch m[1] {
		case "rhost":
			from(e, m[2], "")
		case "user":
			e.SetUserName(m[2])
		case "ruser":
			e.SetActorUserName(m[2])
		default:
			e.SetExtra("pam."+m[1], m[2])
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
		set(e, event.SlotCount, "count", m[1])
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
