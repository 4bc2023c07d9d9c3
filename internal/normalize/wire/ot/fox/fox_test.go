package fox

import (
	"testing"

	"vedette/internal/normalize/wire/ot/ics/icstest"
	"vedette/internal/normalize/wire/proto"
	"vedette/internal/normalize/wire/proto/prototest"
)

const (
	ask  = "fox a 1 -1 fox hello\n{\nfox.version=s:1.0\nid=i:1\n};;\n"
	tell = "fox a 0 -1 fox hello\n{\nfox.version=s:1.0\nhostName=s:ahu-3\napp.name=s:Station\napp.version=s:3.8.38\nos.name=s:QNX\nos.version=s:6.4.1\nbrandId=s:vykon\n};;\n"
)

func TestHello(t *testing.T) {
	lines := icstest.Lines(t, Protocol(), "tcp", prototest.Say{Data: []byte(ask)}, prototest.Say{Side: proto.Server, Data: []byte(tell)})
	icstest.Want(t, lines, []string{`"ics.function":"hello"`, `"fox.version":"1.0"`}, []string{`"app.version":"3.8.38"`},
		[]string{`"identity.name":"ahu-3"`, `"identity.vendor":"vykon"`, `"identity.firmware":"3.8.38"`, `"identity.os":"QNX 6.4.1"`})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(ask), []byte(tell), 30)
	f.Fuzz(func(t *testing.T, client, server []byte, cut int) {
		icstest.Hold(t, Protocol(), "tcp", client, server, cut)
	})
}
