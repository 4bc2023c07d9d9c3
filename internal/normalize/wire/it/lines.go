package it

import (
	"bytes"
	"strings"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/proto"
)

// maxLine is the longest line of a protocol of lines; a longer one is cut.
const maxLine = 8 << 10

// lines gives the whole lines of a side to take, and returns how many bytes
// they have. The last line may lack its end if the side has ended.
func lines(p proto.Payload, take func(line []byte)) (taken int) {
	for taken < len(p.Data) {
		b := p.Data[taken:]
		line, n := cutLine(b)
		if n == 0 {
			if len(b) < maxLine && !p.End {
				return taken
			}
			line, n = b, len(b)
		}
		taken += n
		take(line[:min(len(line), maxLine)])
	}
	return taken
}

// reply reads "250-text" or "250 text". more says that another line of it
// follows.
func reply(line []byte) (code int, words []byte, more, ok bool) {
	if len(line) < 3 {
		return 0, nil, false, false
	}
	code, ok = digits(line[:3], 999)
	if !ok || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, nil, false, false
	}
	if len(line) == 3 {
		return code, nil, false, true
	}
	return code, line[4:], line[3] == '-', true
}

// verb is the command of a line, in capitals, and its argument.
func verb(line []byte) (word, arg string) {
	word, arg, _ = strings.Cut(strings.TrimSpace(text(line)), " ")
	return strings.ToUpper(word), strings.TrimSpace(arg)
}

// replied sets how a command ended.
func replied(e *event.Event, code int, words []byte) {
	e.SetStatusDetail(strings.TrimSpace(text(words)))
	switch code / 100 {
	case 1, 2, 3:
		e.SetStatus(event.Success)
	case 4, 5:
		e.SetStatus(event.Failure)
	}
	e.SetMetadataEventCode(named(nil, code, ""))
}

// ftp decodes the control connection of RFC 959: an event for each command and
// its reply. The argument of PASS is dropped.
type ftp struct {
	f       *proto.Flow
	user    string
	waiting []ftpCommand
	open    bool // no banner to come any more
	cipher  bool
}

type ftpCommand struct{ word, arg string }

func newFTP(f *proto.Flow) proto.Decoder { return &ftp{f: f} }

func probeFTP(data []byte, s proto.Side, onPort bool) int {
	if !onPort {
		return 0
	}
	line, _ := cutLine(data)
	if code, _, _, ok := reply(line); ok && s == proto.Server && code == 220 {
		return 70
	}
	if word, _ := verb(line); s == proto.Client && (ftpCommands[word] || word == "AUTH") {
		return 70
	}
	return 0
}

var ftpCommands = map[string]bool{
	"USER": true, "PASS": true, "ACCT": true, "CWD": true, "PWD": true, "SYST": true, "FEAT": true, "TYPE": true, "PASV": true, "PORT": true, "EPSV": true,
	"EPRT": true, "LIST": true, "RETR": true, "STOR": true, "OPTS": true, "SIZE": true, "QUIT": true, "NLST": true, "DELE": true, "MKD": true,
}

// Decode implements [proto.Decoder].
func (d *ftp) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.cipher {
		return len(p.Data), nil
	}
	n := lines(p, func(line []byte) {
		if p.Side == proto.Server {
			d.reply(line, out)
		} else if len(d.waiting) < 32 {
			word, arg := verb(line)
			if word == "PASS" || word == "ACCT" {
				arg = ""
			}
			if word == "USER" {
				d.user = arg
			}
			if word != "" {
				d.waiting = append(d.waiting, ftpCommand{word, arg})
			}
		}
	})
	if p.End && p.Side == proto.Server {
		for len(d.waiting) > 0 {
			d.tell(0, nil, out)
		}
	}
	return n, nil
}

func (d *ftp) reply(line []byte, out proto.Out) {
	code, words, more, ok := reply(line)
	if !ok || more || d.cipher {
		return
	}
	if code == 220 && !d.open {
		banner(out, d.f.Server.Addr(), "ftp.banner", words, line)
	}
	d.open = true
	if code == 234 { // AUTH was granted: the rest is TLS
		d.cipher = true
	}
	if len(d.waiting) > 0 && code/100 != 1 {
		d.tell(code, words, out)
	}
}

func (d *ftp) tell(code int, words []byte, out proto.Out) {
	c := d.waiting[0]
	d.waiting = d.waiting[1:]
	e := out.New(event.FTPActivity)
	e.SetActivityName(c.word)
	e.SetUserName(d.user)
	switch c.word {
	case "RETR", "STOR", "APPE", "DELE", "STOU", "SIZE", "RNFR", "RNTO", "MKD", "RMD":
		e.SetFileName(c.arg)
	default:
		e.SetExtra("ftp.command_data", c.arg)
	}
	if code != 0 {
		replied(e, code, words)
	}
	out.Emit(e, []byte(strings.TrimSpace(c.word+" "+c.arg)))
}

// smtp decodes RFC 5321: an event a mail, its banner, and no content but the
// subject.
type smtp struct {
	f          *proto.Flow
	helo, from string
	to         []string
	subject    string
	data       bool // the content of a mail comes
	header     bool // its headers
	sent       bool // a mail waits for its last reply
	banner     bool
	cipher     bool
	secrets    int // lines of an authentication to come
	login      string
}

func newSMTP(f *proto.Flow) proto.Decoder { return &smtp{f: f} }

func probeSMTP(data []byte, s proto.Side, onPort bool) int {
	line, _ := cutLine(data)
	word, _ := verb(line)
	if s == proto.Client && (word == "EHLO" || word == "HELO") {
		return 80
	}
	if code, words, _, ok := reply(line); ok && s == proto.Server && code == 220 && (onPort || bytes.Contains(bytes.ToUpper(words), []byte("SMTP"))) {
		return 80
	}
	return 0
}

// Decode implements [proto.Decoder].
func (d *smtp) Decode(p proto.Payload, out proto.Out) (int, error) {
	if d.cipher {
		return len(p.Data), nil
	}
	n := lines(p, func(line []byte) {
		switch {
		case d.cipher:
		case p.Side == proto.Server:
			d.reply(line, out)
		case d.data:
			d.content(line)
		default:
			d.command(line)
		}
	})
	if p.End && p.Side == proto.Server && (d.sent || d.from != "") {
		d.tell(0, nil, out)
	}
	return n, nil
}

func (d *smtp) command(line []byte) {
	if d.secrets > 0 {
		d.secrets--
		return
	}
	word, arg := verb(line)
	switch word {
	case "HELO", "EHLO":
		d.helo = arg
	case "MAIL":
		d.from = address(arg)
		d.to, d.subject = nil, ""
	case "RCPT":
		if len(d.to) < 64 {
			d.to = append(d.to, address(arg))
		}
	case "DATA":
		d.data, d.header = true, true
	case "AUTH":
		method, _, _ := strings.Cut(arg, " ")
		d.login = strings.ToLower(method)
		d.secrets = 2
		if d.login != "login" {
			d.secrets = 1
		}
		if strings.Contains(arg, " ") {
			d.secrets--
		}
	case "STARTTLS":
		d.login = "starttls"
	}
}

// address is the one in "FROM:<a@b> SIZE=1".
func address(arg string) string {
	_, arg, _ = strings.Cut(arg, ":")
	if from := strings.IndexByte(arg, '<'); from >= 0 {
		if to := strings.IndexByte(arg[from:], '>'); to > 0 {
			return arg[from+1 : from+to]
		}
	}
	arg, _, _ = strings.Cut(strings.TrimSpace(arg), " ")
	return arg
}

func (d *smtp) content(line []byte) {
	switch {
	case string(line) == ".":
		d.data, d.sent = false, true
	case len(line) == 0:
		d.header = false
	case d.header && len(line) > 8 && strings.EqualFold(string(line[:8]), "subject:"):
		d.subject = strings.TrimSpace(text(line[8:]))
	}
}

func (d *smtp) reply(line []byte, out proto.Out) {
	code, words, more, ok := reply(line)
	if !ok || more {
		return
	}
	if code == 220 && !d.banner {
		d.banner = true
		banner(out, d.f.Server.Addr(), "smtp.banner", words, line)
		return
	}
	switch {
	case code == 220 && d.login == "starttls":
		d.cipher = true
	case code == 235 || code == 535 || code == 503:
		d.secrets = 0
	case d.sent:
		d.tell(code, words, out)
	}
}

func (d *smtp) tell(code int, words []byte, out proto.Out) {
	e := out.New(event.EmailActivity)
	e.SetActivityName("Send")
	e.SetEmailFrom(d.from)
	e.SetEmailTo(d.to)
	e.SetEmailSubject(d.subject)
	e.SetExtra("smtp.helo", d.helo)
	if code != 0 {
		replied(e, code, words)
	}
	out.Emit(e, []byte("MAIL FROM:<"+d.from+">"))
	d.sent, d.from, d.to, d.subject = false, "", nil, ""
}
