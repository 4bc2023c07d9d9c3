// Package discover finds model servers: on this machine and on hosts that a
// person named, at the ports that such servers use.
//
// It owns what is known of the servers' own interfaces (Ollama, llama.cpp,
// vLLM, LM Studio) and what a model lacks for our use. It must not look at any
// host that was not named, scan, load a model or change anything. What a server
// tells is untrusted and shown as such.
package discover

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vedette/internal/fault"
	"vedette/internal/model"
	"vedette/internal/model/wire"
)

// The bounds of a look.
const (
	defaultTime = 1500 * time.Millisecond
	maxHosts    = 64
	maxModels   = 200 // of a server
	maxDetails  = 48  // models of a server that are asked about one by one
)

// ports are where the servers listen unless told otherwise: Ollama, llama.cpp,
// vLLM and LM Studio, in this order.
var ports = [...]string{"11434", "8080", "8000", "1234"}

// Options say where to look.
type Options struct {
	Hosts    []string       // names or addresses besides this machine, HOST or HOST:PORT
	Networks []netip.Prefix // where a host's address may be besides loopback and the private networks
	Time     time.Duration  // of all of it; 0: 1.5 s
	Lookup   func(ctx context.Context, host string) ([]netip.Addr, error)

	// Here are the places on this machine, for tests; nil: loopback at the usual
	// ports.
	Here []string
}

// The servers that are known.
const (
	Ollama   = "Ollama"
	LlamaCPP = "llama.cpp"
	VLLM     = "vLLM"
	LMStudio = "LM Studio"
	Other    = "OpenAI-compatible"
)

// Server is a model server that was found.
type Server struct {
	URL      string  `json:"url"` // as an endpoint is configured
	Software string  `json:"software"`
	Version  string  `json:"version,omitempty"`
	NeedsKey bool    `json:"needs_key,omitempty"`
	Models   []Model `json:"models"`
	LeftOut  int     `json:"left_out,omitempty"` // models beyond the bound
	Problem  string  `json:"problem,omitempty"`
}

// Model is a model as its server tells of it. What is not told is empty.
type Model struct {
	Name         string   `json:"name"`
	Family       string   `json:"family"` // of package family, or "unknown"
	Architecture string   `json:"architecture,omitempty"`
	Parameters   string   `json:"parameters,omitempty"` // such as "8.0B"
	Quantization string   `json:"quantization,omitempty"`
	Bytes        int64    `json:"bytes,omitempty"`
	Digest       string   `json:"digest,omitempty"`
	Context      int      `json:"context,omitempty"`     // tokens as it is served now
	MaxContext   int      `json:"max_context,omitempty"` // tokens it was made for
	Loaded       bool     `json:"loaded,omitempty"`
	Structured   bool     `json:"structured"`       // its server can hold it to a schema
	Remote       string   `json:"remote,omitempty"` // where it really runs, if not there
	Abilities    []string `json:"abilities,omitempty"`
	Usable       bool     `json:"usable"` // it makes text
	Lacks        []string `json:"lacks,omitempty"`
}

// Look asks this machine and the hosts in parallel and lists the servers that
// answered in time, by their URLs. It fails only when Options are wrong.
func Look(ctx context.Context, o Options) ([]Server, error) {
	places, err := o.places()
	if err != nil {
		return nil, err
	}
	if o.Time <= 0 {
		o.Time = defaultTime
	}
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	found := make([]*Server, len(places))
	var wg sync.WaitGroup
	for i, p := range places {
		wg.Go(func() { found[i] = o.ask(ctx, p) })
	}
	wg.Wait()
	out := make([]Server, 0, len(places))
	for _, s := range found {
		if s != nil {
			out = append(out, *s)
		}
	}
	slices.SortFunc(out, func(a, b Server) int { return cmp.Compare(a.URL, b.URL) })
	return out, nil
}

// place is one host and port to be asked.
type place struct {
	address string // HOST:PORT
	named   bool   // a person named it: why it does not answer is told
}

// places lists where to look.
func (o Options) places() ([]place, error) {
	if len(o.Hosts) > maxHosts {
		return nil, fault.New(fault.Invalid, "looking for models on %d hosts: at most %d at a time", len(o.Hosts), maxHosts)
	}
	var out []place
	if o.Here == nil {
		for _, port := range ports {
			out = append(out, place{net.JoinHostPort("127.0.0.1", port), false})
		}
	}
	for _, here := range o.Here {
		out = append(out, place{here, false})
	}
	for _, text := range o.Hosts {
		host, port, err := split(text)
		if err != nil {
			return nil, err
		}
		if port != "" {
			out = append(out, place{net.JoinHostPort(host, port), true})
			continue
		}
		for _, port := range ports {
			out = append(out, place{net.JoinHostPort(host, port), false})
		}
	}
	slices.SortStableFunc(out, func(a, b place) int { return cmp.Compare(a.address, b.address) })
	return slices.CompactFunc(out, func(a, b place) bool { return a.address == b.address }), nil
}

// split reads HOST or HOST:PORT. A range of addresses is refused: this is no
// scanner.
func split(text string) (host, port string, err error) {
	host = strings.TrimSpace(text)
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return addr.String(), "", nil
	}
	if strings.Contains(host, ":") {
		if host, port, err = net.SplitHostPort(host); err != nil {
			return "", "", wrongHost(text)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", "", wrongHost(text)
		}
	}
	odd := strings.ContainsFunc(host, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune(".-_:%", r)
	})
	if host == "" || odd || len(host) > 253 {
		return "", "", wrongHost(text)
	}
	return host, port, nil
}

func wrongHost(text string) error {
	return fault.New(fault.Invalid, "%q is no host", text).WithHint("name hosts one by one, like gpu1.plant.local or 10.0.5.20:8000")
}

// ask asks one place what it is. Nil means that no model server is there.
func (o Options) ask(ctx context.Context, p place) *Server {
	client, err := wire.New(model.Endpoint{
		Name: p.address, URL: (&url.URL{Scheme: "http", Host: p.address}).String(), Location: model.OnPremises, Networks: o.Networks,
		Limits: model.Limits{Total: o.Time, First: o.Time, Idle: o.Time},
	}, wire.Auth{}, wire.Options{Lookup: o.Lookup, Once: true})
	if err != nil {
		return nil
	}
	q := &asking{ctx: ctx, client: client, server: Server{URL: "http://" + p.address + "/v1", Models: []Model{}}}
	if !q.identify(p.named) {
		return nil
	}
	for i := range q.server.Models {
		q.server.Models[i].judge(q.server.Software)
	}
	return &q.server
}
