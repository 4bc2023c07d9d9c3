// Package nmap reads the results of scans by Nmap as XML ("-oX"): for each host
// that is up what it is, and for each open port what serves there.
//
// It must not believe more than the scanner says: guesses keep how sure it was.
package nmap

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"vedette/internal/event"
	"vedette/internal/fault"
	"vedette/internal/normalize/record"
)

// The bounds of what is read.
const (
	maxHost  = 4 << 20 // bytes of one host
	maxPorts = 1000    // events of one host
	maxText  = 4096    // bytes of what a script says
)

// XML is the output of "nmap -oX".
func XML() record.Dialect {
	return record.Dialect{
		Name: "nmap", Detect: detect, Cut: cut,
		New: func(src record.Source) record.Parser { return &parser{src: src} },
	}
}

func detect(head []byte, _ string) int {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head[:min(len(head), 8<<10)], []byte("<nmaprun ")) {
		return 100
	}
	return 0
}

// cut cuts a file into its head and its hosts, without reading it whole. An
// attribute cannot hold "<", so that the marks are never part of a text.
func cut(in *bufio.Reader) func() ([]byte, int64, error) {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), maxHost)
	at, start := int64(0), int64(0)
	began := false
	s.Split(func(data []byte, end bool) (int, []byte, error) {
		n, from, token := next(data, end, &began)
		start = at + int64(from)
		at += int64(n)
		return n, token, nil
	})
	return func() ([]byte, int64, error) {
		if s.Scan() {
			return s.Bytes(), start, nil
		}
		switch err := s.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			return nil, at, fault.New(fault.Limited, "a host of more than %d MiB", maxHost>>20)
		case err != nil:
			return nil, at, err
		}
		return nil, at, io.EOF
	}
}

// next finds the next record in data: how much to go on, where the record
// begins and the record, or nil for more data.
func next(data []byte, end bool, began *bool) (advance, from int, token []byte) {
	open := opening(data)
	if !*began && open < 0 && end && len(data) > 0 {
		*began = true
		return len(data), 0, data
	}
	if !*began && open >= 0 {
		*began = true
		return open, 0, data[:open]
	}
	if open < 0 {
		if *began && len(data) > len("<host ") { // passed over: the end of the run, and hints
			return max(len(data)-len("<host "), 1), 0, nil
		}
		if end {
			return len(data), 0, nil
		}
		return 0, 0, nil
	}
	closing := []byte("</host>")
	if i := bytes.Index(data[open:], closing); i >= 0 {
		stop := open + i + len(closing)
		return stop, open, data[open:stop]
	}
	if end {
		return len(data), open, data[open:]
	}
	return 0, 0, nil
}

// opening is where a host begins; hosthint and hostnames are others.
func opening(data []byte) int {
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("<host"))
		if i < 0 || at+i+5 >= len(data) {
			return -1
		}
		if at += i; data[at+5] == ' ' || data[at+5] == '>' || data[at+5] == '\n' {
			return at
		}
		at += 5
	}
}

// run is the head of the file.
type run struct {
	Args    string `xml:"args,attr"`
	Start   int64  `xml:"start,attr"`
	Version string `xml:"version,attr"`
}

type host struct {
	Start  int64 `xml:"starttime,attr"`
	End    int64 `xml:"endtime,attr"`
	Status struct {
		State  string `xml:"state,attr"`
		Reason string `xml:"reason,attr"`
	} `xml:"status"`
	Addresses []struct {
		Addr   string `xml:"addr,attr"`
		Type   string `xml:"addrtype,attr"`
		Vendor string `xml:"vendor,attr"`
	} `xml:"address"`
	Names []struct {
		Name string `xml:"name,attr"`
		Type string `xml:"type,attr"`
	} `xml:"hostnames>hostname"`
	Ports   []port    `xml:"ports>port"`
	Matches []match   `xml:"os>osmatch"`
	Scripts []script  `xml:"hostscript>script"`
	Uptime  attribute `xml:"uptime"`
}

type attribute struct {
	LastBoot string `xml:"lastboot,attr"`
}

type match struct {
	Name     string `xml:"name,attr"`
	Accuracy int    `xml:"accuracy,attr"`
	Classes  []struct {
		Type   string   `xml:"type,attr"`
		Vendor string   `xml:"vendor,attr"`
		Family string   `xml:"osfamily,attr"`
		CPE    []string `xml:"cpe"`
	} `xml:"osclass"`
}

type port struct {
	Protocol string `xml:"protocol,attr"`
	ID       int64  `xml:"portid,attr"`
	State    struct {
		State  string `xml:"state,attr"`
		Reason string `xml:"reason,attr"`
	} `xml:"state"`
	Service struct {
		Name    string   `xml:"name,attr"`
		Product string   `xml:"product,attr"`
		Version string   `xml:"version,attr"`
		Extra   string   `xml:"extrainfo,attr"`
		Device  string   `xml:"devicetype,attr"`
		OS      string   `xml:"ostype,attr"`
		Method  string   `xml:"method,attr"`
		Conf    string   `xml:"conf,attr"`
		Tunnel  string   `xml:"tunnel,attr"`
		CPE     []string `xml:"cpe"`
	} `xml:"service"`
	Scripts []script `xml:"script"`
}

type script struct {
	ID     string `xml:"id,attr"`
	Output string `xml:"output,attr"`
}

type parser struct {
	src record.Source
	run run
	e   event.Event
}

// Parse implements [record.Parser].
func (p *parser) Parse(rec record.Record, emit func(*event.Event)) error {
	if opening(rec.Raw) != 0 {
		return p.head(rec.Raw)
	}
	var h host
	if err := xml.Unmarshal(rec.Raw, &h); err != nil {
		return fault.New(fault.Invalid, "not valid XML of a host")
	}
	out := giver{p: p, rec: rec, raw: record.Text(rec.Raw), emit: emit, when: p.when(&h)}
	if h.Status.State != "" && h.Status.State != "up" {
		p.down(&h)
		out.give()
		return nil
	}
	p.device(&h)
	out.give()
	for i := range h.Ports {
		if s := h.Ports[i].State.State; s != "open" || out.part > maxPorts {
			continue
		}
		p.service(&h, &h.Ports[i])
		out.give()
	}
	return nil
}

// head reads what stands before the first host.
func (p *parser) head(b []byte) error {
	dec := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := dec.RawToken()
		if err != nil {
			return fault.New(fault.Invalid, "no result of nmap")
		}
		if start, ok := t.(xml.StartElement); ok && start.Name.Local == "nmaprun" {
			for _, a := range start.Attr {
				switch a.Name.Local {
				case "args":
					p.run.Args = a.Value
				case "version":
					p.run.Version = a.Value
				case "start":
					p.run.Start, _ = strconv.ParseInt(a.Value, 10, 64)
				}
			}
			return nil
		}
	}
}

func (p *parser) when(h *host) time.Time {
	for _, sec := range [...]int64{h.End, h.Start, p.run.Start} {
		if sec > 0 && sec < 1<<33 {
			return time.Unix(sec, 0).UTC()
		}
	}
	return time.Time{}
}

// giver emits the events of one host. Those of a long one carry only the
// beginning of its text, but for the first.
type giver struct {
	p    *parser
	rec  record.Record
	raw  string
	emit func(*event.Event)
	when time.Time
	part int
}

func (g *giver) give() {
	const short = 512
	if g.part == 1 && len(g.raw) > short {
		g.raw = strings.ToValidUTF8(g.raw[:short], "")
		g.rec.Raw = g.rec.Raw[:min(len(g.rec.Raw), short)]
	}
	e := &g.p.e
	e.SetMetadataProduct("Nmap")
	record.Keep(e, "nmap.args", g.p.run.Args)
	record.Finish(e, &g.p.src, g.rec, g.raw, g.part, g.when)
	g.part++
	g.emit(e)
}
