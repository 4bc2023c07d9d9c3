package parameter_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"vedette/internal/event"
	"vedette/internal/normalize/parameter"
)

// shown is all that was read of a text, as text.
func shown(text string) string {
	var e event.Event
	e.Reset()
	e.SetClassUID(int64(event.BaseEvent))
	var r parameter.Reader
	r.Read(&e, text)
	var out []string
	for _, name := range []string{
		"src_endpoint.ip", "src_endpoint.port", "dst_endpoint.ip", "dst_endpoint.port", "duration",
		"http_request.http_method", "http_request.url.path", "http_response.code", "status",
	} {
		f, _ := event.NewSchema().Lookup(name)
		if e.Has(f.Slot) {
			out = append(out, fmt.Sprint(name, "=", e.Any(f.Slot)))
		}
	}
	for _, x := range e.Extras() {
		out = append(out, strings.TrimPrefix(x.Name, parameter.Prefix)+"="+x.Value)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		"Receiving block blk_-16 src: /10.2.0.7:59759 dest: /10.2.0.9:50010": "block=blk_-16 dst_endpoint.ip=10.2.0.9 dst_endpoint.port=50010 src_endpoint.ip=10.2.0.7 src_endpoint.port=59759",
		"Received block blk_3 of size 67108 from /10.2.0.7":                  "block=blk_3 size=67108 src_endpoint.ip=10.2.0.7",
		"[instance: 95ae-22] Took 19.05 seconds to spawn the instance.":      "duration=19.05 instance=95ae-22",
		`10.1.0.1 "GET /v2/x HTTP/1.1" status: 404 len: 18 time: 0.27`:       "duration=0.27 http_request.http_method=GET http_request.url.path=/v2/x http_response.code=404 len=18 src_endpoint.ip=10.1.0.1 status=Failure",
		"Connection broken for id 188, my id = 1, error =":                   "id#2=1 id=188",
		"/10.2.0.7:50010:Got exception while serving blk_5 to /10.2.0.9:":    "dst_endpoint.ip=10.2.0.9 serving=blk_5 src_endpoint.ip=10.2.0.7 src_endpoint.port=50010",
		"Received connection request /10.2.0.7:33010":                        "request=/10.2.0.7:33010 src_endpoint.ip=10.2.0.7 src_endpoint.port=33010",
		"blockMap updated: 10.2.0.7:50010 is added to blk_5":                 "src_endpoint.ip=10.2.0.7 src_endpoint.port=50010 updated=10.2.0.7:50010",
		"10.2.0.7 and 10.2.0.8 disagree":                                     "src_endpoint.ip=10.2.0.7",
		"nodes 10.2.0.7, 10.2.0.8 disagree":                                  "nodes=10.2.0.7",
		"ELECTION TOOK - 224":                                                "took=224",
		"package: KB5~amd64, ApplicableState: 112, CurrentState:112":         "applicablestate=112 currentstate=112 package=KB5~amd64",
		"at 10:20:30 see http://x.example/a:1":                               "see=http://x.example/a:1",
		"worker in error state 6":                                            "state=6",
		"pump=P-7 mode=auto, flow=12.5":                                      "flow=12.5 mode=auto pump=P-7",
		"Started daemon":                                                     "",
		"the 3 of them came in 20 ms":                                        "duration=0.02",
		"file not found: no such file":                                       "",
		"blk_1 blk_2 blk_3":                                                  "",
		"from [2001:db8::1]:443 to 10.0.0.300":                               "src_endpoint.ip=2001:db8::1 src_endpoint.port=443",
		"size: " + strings.Repeat("9", 300):                                  "",
	} {
		if got := shown(text); got != want {
			t.Errorf("%.80q\n  gives %s\n  want  %s", text, got, want)
		}
	}
}

// TestBounds: a text or a source that names more than is kept is not kept whole.
func TestBounds(t *testing.T) {
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, "%c%c=%d ", 'a'+i/26, 'a'+i%26, i)
	}
	if n := len(strings.Fields(shown(many.String()))); n != 16 {
		t.Errorf("%d parameters of one text are kept, want 16", n)
	}
	var r parameter.Reader
	kept := 0
	for i := range 1000 {
		var e event.Event
		e.Reset()
		r.Read(&e, fmt.Sprintf("%c%c%c=1", 'a'+i/676, 'a'+i/26%26, 'a'+i%26))
		kept += len(e.Extras())
	}
	if kept != 200 {
		t.Errorf("%d names of one source are kept, want 200", kept)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`10.1.0.1 "GET /v2/x HTTP/1.1" status: 404 len: 18 time: 0.27`)
	f.Add(`" HTTP/" HTTP/`)
	f.Add(`[::1]:80 = : = size== a=b=c "'"`)
	f.Fuzz(func(t *testing.T, text string) {
		var e event.Event
		e.Reset()
		var r parameter.Reader
		r.Read(&e, text)
		for _, x := range e.Extras() {
			if len(x.Name) > 64 || len(x.Value) > 256 || x.Value == "" {
				t.Errorf("kept %q=%q", x.Name, x.Value)
			}
		}
	})
}
