package syslog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// How attempts are counted. One refused login makes sshd and PAM write several
// lines. Exactly one of them has activity_name "Logon", so that counting
// "Logon" with status "Failure" counts refused attempts:
//
//   - programs that say themselves who was refused (sshd, dropbear, su, login)
//     are the authority; PAM's lines beside theirs are "PAM failure", sshd's
//     "Invalid user" is "Preauth"; for any other program PAM is the authority;
//   - where the program is named "sshd(pam_unix)", as Linux wrote before 2006,
//     there is no such line of sshd and PAM's is the authority; likewise for su
//     and login;
//   - "message repeated N times: [ ... ]" and "N more authentication failures"
//     stand for N attempts (field count).
//
// A user name is chosen by whoever knocks and may spell " from 10.0.0.1 port 22"
// itself: patterns take the last such words of a line, which the program wrote.
//
// recogniser understands the lines of some programs that match a pattern.
type recogniser struct {
	programs []string // none for any
	begins   []string // what the lines begin with; most can be told apart by it
	shape    *regexp.Regexp
	apply    func(e *event.Event, m []string)
}

func (r *recogniser) mayFit(l *line) bool {
	if r.programs != nil && !slices.Contains(r.programs, l.program) {
		return false
	}
	return r.begins == nil || slices.ContainsFunc(r.begins, func(w string) bool { return strings.HasPrefix(l.text, w) })
}

var repeated = regexp.MustCompile(`^message repeated (\d{1,6}) times: \[ ?(.*?)\]?$`)

func repetition(text string) []string {
	if !strings.HasPrefix(text, "message repeated ") {
		return nil
	}
	return repeated.FindStringSubmatch(text)
}

// understand finds the first recogniser that fits.
func understand(e *event.Event, l line) {
	if m := repetition(l.text); m != nil {
		l.text = m[2]
		recognise(e, l)
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil {
			e.SetInt(event.SlotCount, n*max(e.Int(event.SlotCount), 1))
		}
		return
	}
	recognise(e, l)
}

func recognise(e *event.Event, l line) {
	for i := range recognisers {
		r := &recognisers[i]
		if !r.mayFit(&l) {
			continue
		}
		if m := r.shape.FindStringSubmatch(l.text); m != nil {
			r.apply(e, m)
			break
		}
	}
	if strings.HasPrefix(l.module, "pam_") {
		oldPAM(e, l)
	}
}

// The programs that write the same lines.
var (
	sshOnly = []string{"sshd", "sshd-session"}
	anySSH  = append(slices.Clone(sshOnly), "dropbear")
)

const host = `([0-9A-Fa-f:.]+|[A-Za-z0-9_.-]+)`

var recognisers = []recogniser{
	{anySSH, []string{"Failed "}, regexp.MustCompile(`^Failed (\S+) for (invalid user |illegal user )?(.*) from ` + host + ` port (\d+)(?: ssh\d)?(?:: .*)?$`), func(e *event.Event, m []string) {
		logon(e, m[3], m[4], m[5], event.Failure)
		e.SetAuthProtocol(m[1])
		if m[2] != "" {
			e.SetStatusDetail("invalid user")
		}
	}},
	{anySSH, []string{"Accepted "}, regexp.MustCompile(`^Accepted (\S+) for (.*) from ` + host + ` port (\d+)(?: ssh\d)?(?:: .*)?$`), func(e *event.Event, m []string) {
		logon(e, m[2], m[3], m[4], event.Success)
		e.SetAuthProtocol(m[1])
	}},
	{sshOnly, []string{"Invalid user ", "Illegal user "}, regexp.MustCompile(`^(?:Invalid|Illegal) user (.*) from ` + host + `(?: port (\d+))?$`), func(e *event.Event, m []string) {
		ssh(e, event.Authentication, "Preauth", "invalid_user", m[2], m[3])
		e.SetUserName(m[1])
		e.SetStatusDetail("invalid user")
	}},
	{sshOnly, []string{"input_userauth_request: invalid user "}, regexp.MustCompile(`^input_userauth_request: invalid user (.*?)(?: \[preauth\])?$`), func(e *event.Event, m []string) {
		ssh(e, event.Authentication, "Preauth", "invalid_user_request", "", "")
		e.SetUserName(m[1])
		e.SetStatusDetail("invalid user")
	}},
	{sshOnly, []string{"Connection ", "Disconnected "}, regexp.MustCompile(`^(?:Connection|Disconnected) (?:closed|reset|from)?(?: by| from)? ?(?:(?:authenticating |invalid )?user (.*?) ?)?` + host + `(?: port (\d+))?(?: \[preauth\])?$`), func(e *event.Event, m []string) {
		ssh(e, event.SSHActivity, "Close", "connection_closed", m[2], m[3])
		e.SetUserName(m[1])
	}},
	{sshOnly, []string{"Received disconnect from ", "error: Received disconnect from "}, regexp.MustCompile(`^(?:error: )?Received disconnect from ` + host + `(?: port (\d+))?: ?(\d+): (.*?)(?: \[preauth\])?$`), func(e *event.Event, m []string) {
		ssh(e, event.SSHActivity, "Disconnect", "received_disconnect", m[1], m[2])
		e.SetStatusDetail(m[4])
	}},
	{sshOnly, []string{"Did not receive identification string from "}, regexp.MustCompile(`^Did not receive identification string from ` + host + `(?: port (\d+))?`), func(e *event.Event, m []string) {
		ssh(e, event.SSHActivity, "Probe", "no_identification", m[1], m[2])
	}},
	{sshOnly, []string{"error: maximum authentication attempts exceeded for ", "Disconnecting: Too many authentication failures for ", "error: Disconnecting: Too many authentication failures for "}, regexp.MustCompile(`^(?:error: maximum authentication attempts exceeded for|(?:error: )?Disconnecting: Too many authentication failures for) (?:invalid user )?(.*?)(?: from ` + host + ` port (\d+))?(?: ssh\d)?(?: \[preauth\])?$`), func(e *event.Event, m []string) {
		ssh(e, event.SSHActivity, "Disconnect", "too_many_failures", m[2], m[3])
		e.SetUserName(m[1])
	}},
	{sshOnly, []string{"Disconnecting "}, regexp.MustCompile(`^Disconnecting (?:authenticating |invalid )?user (.*) ` + host + ` port (\d+): (.*?)(?: \[preauth\])?$`), func(e *event.Event, m []string) {
		ssh(e, event.SSHActivity, "Disconnect", "disconnecting", m[2], m[3])
		e.SetUserName(m[1])
		e.SetStatusDetail(m[4])
		if strings.HasPrefix(m[4], "Too many authentication failures") {
			e.SetMetadataEventCode("too_many_failures")
		}
	}},
	{sshOnly, []string{"reverse mapping checking getaddrinfo for ", "Address "}, regexp.MustCompile(`^reverse mapping checking getaddrinfo for (\S+) \[` + host + `\] failed|^Address ` + host + ` maps to (\S+),`), func(e *event.Event, m []string) {
		addr, name := m[2], m[1]
		if addr == "" {
			addr, name = m[3], m[4]
		}
		ssh(e, event.SSHActivity, "Probe", "reverse_mapping_failed", addr, "")
		e.SetSrcEndpointHostname(name)
	}},
	{nil, []string{"pam_"}, regexp.MustCompile(`^pam_[a-z0-9_]+\(([A-Za-z0-9_-]+)(?::auth)?\): authentication failure; (.*)$`), func(e *event.Event, m []string) {
		e.SetClassUID(int64(event.Authentication))
		e.SetActivityName("PAM failure")
		if !slices.Contains(refusesItself, m[1]) {
			e.SetActivityName("Logon")
			e.SetStatus(event.Failure)
		}
		e.SetMetadataEventCode("pam_failure")
		pamFields(e, m[2])
	}},
	{nil, []string{"PAM "}, regexp.MustCompile(`^PAM (\d{1,6}) more authentication failures?; (.*)$`), func(e *event.Event, m []string) {
		e.SetClassUID(int64(event.Authentication))
		e.SetActivityName("PAM failure")
		e.SetMetadataEventCode("pam_more_failures")
		record.Set(e, event.SlotCount, "count", m[1])
		pamFields(e, m[2])
	}},
	{nil, []string{"pam_"}, regexp.MustCompile(`^pam_[a-z_]+\(([A-Za-z0-9_-]+):session\): session (opened|closed) for user ([^\s(]+)(?:\(uid=\d+\))?(?: by ([^\s(]*)\(uid=(\d+)\))?`), func(e *event.Event, m []string) {
		session(e, m[2], m[3])
		e.SetActorUserName(m[4])
	}},
	{[]string{"sudo"}, nil, regexp.MustCompile(`^\s*(\S+) : (?:(.*?) ; )?TTY=(\S+) ; PWD=(.*?) ; USER=(\S+) ; (?:.*?; )?COMMAND=(.*)$`), func(e *event.Event, m []string) {
		e.SetClassUID(int64(event.ProcessActivity))
		e.SetActivityName("Launch")
		e.SetActorUserName(m[1])
		e.SetUserName(m[5])
		e.SetProcessCmdLine(m[6])
		e.SetStatus(event.Success)
		if m[2] != "" {
			e.SetStatus(event.Failure)
			e.SetStatusDetail(m[2])
		}
		e.SetExtra("tty", m[3])
		e.SetExtra("pwd", m[4])
	}},
	// util-linux: "(to root) ops on pts/0"; shadow: "Successful su for root by ops"
	{[]string{"su"}, []string{"(to ", "FAILED SU (to "}, regexp.MustCompile(`^(FAILED SU )?\(to (\S+)\) (\S+) on (\S+)`), func(e *event.Event, m []string) {
		switched(e, m[2], m[3], m[4], m[1] != "")
	}},
	{[]string{"su"}, []string{"FAILED su ", "Successful su "}, regexp.MustCompile(`^(?:(FAILED)|Successful) su (?:for|to) (\S+) by (\S+)`), func(e *event.Event, m []string) {
		switched(e, m[2], m[3], "", m[1] != "")
	}},
	// the sulog form of shadow and busybox: "- pts/0 ops:root"
	{[]string{"su"}, []string{"- ", "+ "}, regexp.MustCompile(`^([-+]) (\S+) ([^\s:]+)[:-](\S+)$`), func(e *event.Event, m []string) {
		switched(e, m[4], m[3], m[2], m[1] == "-")
	}},
	{[]string{"login"}, []string{"FAILED LOGIN "}, regexp.MustCompile(`^FAILED LOGIN (?:SESSION|\(?\d*\)?)? ?(FROM|from|on) '?(\S+?)'? (?:FOR|for) '?([^',]*)'?,`), func(e *event.Event, m []string) {
		if m[1] == "on" { // a terminal, not a host
			record.Keep(e, "tty", m[2])
			m[2] = ""
		}
		logon(e, m[3], m[2], "", event.Failure)
	}},
	{[]string{"ftpd", "vsftpd", "proftpd", "in.ftpd"}, []string{"connection from "}, regexp.MustCompile(`^connection from ` + host + ` \((.*?)\)`), func(e *event.Event, m []string) {
		e.SetClassUID(int64(event.NetworkActivity))
		e.SetActivityName("Open")
		e.SetAppName("ftp")
		from(e, m[1], "")
		if m[2] != "" {
			e.SetSrcEndpointHostname(m[2])
		}
	}},
	{[]string{"klogind", "rlogind", "rshd"}, []string{"Authentication failed from "}, regexp.MustCompile(`^Authentication failed from ` + host), func(e *event.Event, m []string) {
		logon(e, "", m[1], "", event.Failure)
		e.SetAuthProtocol("kerberos")
		e.SetAppName("rlogin")
	}},
	{[]string{"dropbear"}, []string{"Bad "}, regexp.MustCompile(`^Bad (?:PAM )?password attempt for '(.*)' from ` + host + `:(\d+)$`), func(e *event.Event, m []string) {
		logon(e, m[1], m[2], m[3], event.Failure)
		e.SetAuthProtocol("password")
	}},
	{[]string{"dropbear"}, []string{"Password auth succeeded for ", "Pubkey auth succeeded for "}, regexp.MustCompile(`^(Password|Pubkey) auth succeeded for '(.*)' (?:with .*? )?from ` + host + `:(\d+)$`), func(e *event.Event, m []string) {
		logon(e, m[2], m[3], m[4], event.Success)
		e.SetAuthProtocol(strings.ToLower(m[1]))
	}},
}

// logon makes the event the one that counts for an attempt.
func logon(e *event.Event, user, src, port, status string) {
	e.SetClassUID(int64(event.Authentication))
	e.SetActivityName("Logon")
	e.SetStatus(status)
	e.SetUserName(user)
	if p := e.ProcessName(); strings.HasPrefix(p, "sshd") || p == "dropbear" {
		e.SetAppName("ssh")
	}
	from(e, src, port)
}

func ssh(e *event.Event, class event.Class, activity, code, src, port string) {
	e.SetClassUID(int64(class))
	e.SetActivityName(activity)
	e.SetMetadataEventCode(code)
	e.SetAppName("ssh")
	from(e, src, port)
}

// refusesItself are the programs that log a refused attempt in a line of their
// own, beside that of PAM.
var refusesItself = []string{"sshd", "dropbear", "su", "su-l", "login"}

// switched is an attempt to become another user.
func switched(e *event.Event, to, by, tty string, failed bool) {
	status := event.Success
	if failed {
		status = event.Failure
	}
	logon(e, to, "", "", status)
	e.SetActorUserName(by)
	record.Keep(e, "tty", tty)
}

// from sets where it came from: an address, or a name.
func from(e *event.Event, src, port string) {
	if src != "" && !e.SetIP(event.SlotSrcEndpointIP, src) {
		e.SetSrcEndpointHostname(src)
	}
	if port == "" {
		return
	}
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		e.SetSrcEndpointPort(int64(n))
	}
}
