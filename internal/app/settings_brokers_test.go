package app

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vedette/internal/api"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest/broker"
)

// letIn tells whether a broker welcomes a user; the connection stays open until the test
// ends, so that its end can be seen.
func letIn(t *testing.T, address, user, password string) (net.Conn, bool) {
	t.Helper()
	text := func(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }
	flags, tail := byte(2), text("client-"+user)
	if user != "" {
		flags |= 0xc0
		tail += text(user) + text(password)
	}
	body := text("MQTT") + string([]byte{4, flags, 0, 30}) + tail
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	answer := make([]byte, 4)
	if _, err := c.Write(append([]byte{0x10, byte(len(body))}, body...)); err == nil {
		_, _ = c.Read(answer)
	}
	return c, answer[0] == 0x20 && answer[3] == 0
}

// Users of a broker are added, changed and removed while it runs; their connections end,
// those of others stay. No password and no hash is in settings, history or journal, and a way back
// brings no password back.
func TestBrokerUsersAreSet(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := ln.Addr().String()
	_ = ln.Close()
	written, err := broker.HashPassword("of the file")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "users.yaml")
	if err := os.WriteFile(file, []byte("users: [{name: filed, password: '"+written+"', publish: ['a/#']}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := Config{Settings: config.Settings{Change: true}, Sources: []config.Source{
		{Name: "devices", Kind: "broker", Listen: address, UsersFile: file}, {Name: "open", Kind: "broker", Listen: "127.0.0.1:0"}, {Name: "logs", Kind: "syslog", Listen: "127.0.0.1:0"},
	}}
	a := openForSources(t, dir, cfg)
	l, end := live(t, a)
	await(t, "the broker listens", func() bool { return l.broker("devices").Status().State == "running" })
	filed, ok := letIn(t, address, "filed", "of the file")
	if !ok {
		t.Fatal("a user of the file is not let in")
	}
	put := api.BrokerUserPut{Change: ann, Broker: "devices", New: true, Config: api.BrokerUser{Name: "pump-3", Publish: []string{"plants/+/{user}/#"}}}
	v, err := a.PutBrokerUser(t.Context(), put)
	if err != nil || len(v.Secret) < 20 || v.Rests != "" || v.Version != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	pump, ok := letIn(t, address, "pump-3", v.Secret)
	if !ok {
		t.Fatal("the new user is not let in")
	}
	put.New, put.Renew, put.Password = false, true, "sesame-for-pump"
	if v, err = a.PutBrokerUser(t.Context(), put); err != nil || v.Secret != "" {
		t.Fatalf("%+v, %v", v, err)
	}
	if n, err := pump.Read(make([]byte, 1)); err == nil {
		t.Errorf("who has another password stays: %d", n)
	}
	if pump, ok = letIn(t, address, "pump-3", "sesame-for-pump"); !ok {
		t.Error("the other password is refused")
	}
	for name, row := range map[string]struct {
		change func(*api.BrokerUserPut)
		kind   fault.Kind
	}{
		"of the file":           {func(p *api.BrokerUserPut) { p.New, p.Config.Name = true, "filed" }, fault.Conflict},
		"there already":         {func(p *api.BrokerUserPut) { p.New = true }, fault.Conflict},
		"nobody":                {func(p *api.BrokerUserPut) { p.Config.Name = "nobody" }, fault.NotFound},
		"no broker":             {func(p *api.BrokerUserPut) { p.Broker = "logs" }, fault.NotFound},
		"a short password":      {func(p *api.BrokerUserPut) { p.Renew, p.Password = true, "short" }, fault.Invalid},
		"both":                  {func(p *api.BrokerUserPut) { p.Renew, p.Password, p.Hash = true, "long enough it is", written }, fault.Invalid},
		"a hash that is none":   {func(p *api.BrokerUserPut) { p.Renew, p.Hash = true, "$7$999999999$AAAA$AAAA" }, fault.Invalid},
		"unasked":               {func(p *api.BrokerUserPut) { p.Password = "long enough it is" }, fault.Invalid},
		"a name with a filter":  {func(p *api.BrokerUserPut) { p.New, p.Config.Name = true, "+" }, fault.Invalid},
		"a filter that lies":    {func(p *api.BrokerUserPut) { p.Config.Publish = []string{"a/#/b"} }, fault.Invalid},
		"signs nobody sees":     {func(p *api.BrokerUserPut) { p.Config.Subscribe = []string{"a\x1b[31m"} }, fault.Invalid},
		"more filters than fit": {func(p *api.BrokerUserPut) { p.Config.Publish = strings.Split(strings.Repeat("a,", 60), ",") }, fault.Invalid},
	} {
		p := api.BrokerUserPut{Change: sure, Broker: "devices", Config: api.BrokerUser{Name: "pump-3"}}
		row.change(&p)
		if _, err := a.PutBrokerUser(t.Context(), p); fault.KindOf(err) != row.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.RemoveBrokerUser(t.Context(), api.BrokerUserDeed{Change: ann, Broker: "devices", Name: "filed"}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("one of the file is removed: %v", err)
	}
	if _, err := a.RemoveBrokerUser(t.Context(), api.BrokerUserDeed{Change: api.Change{Actor: "bob", Why: "w", Seen: new(int64(1))}, Broker: "devices", Name: "pump-3"}); !errors.Is(err, api.ErrStale) {
		t.Errorf("the second writer: %v", err)
	}
	if _, err := a.RemoveBrokerUser(t.Context(), api.BrokerUserDeed{Change: ann, Broker: "devices", Name: "pump-3"}); err != nil {
		t.Fatal(err)
	}
	if n, err := pump.Read(make([]byte, 1)); err == nil {
		t.Errorf("who is removed stays: %d", n)
	}
	if u, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 2}); err != nil || len(u.Changes) != 1 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, ok := letIn(t, address, "pump-3", "sesame-for-pump"); ok {
		t.Error("a way back brings a password back")
	}
	list, err := a.BrokerUsers(t.Context(), "devices")
	if err != nil || len(list) != 2 || !list[0].Fixed || list[0].Place != file || !strings.Contains(list[1].Rests, "no password") {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := filed.Write([]byte{0xc0, 0}); err != nil {
		t.Error(err)
	}
	if n, err := filed.Read(make([]byte, 2)); err != nil || n == 0 {
		t.Errorf("a user who was not touched is let go: %v", err)
	}
	var journal bytes.Buffer
	if err := a.ExportAudit(t.Context(), &journal); err != nil || strings.Contains(journal.String(), "$7$") || strings.Contains(journal.String(), "sesame") || !strings.Contains(journal.String(), "settings.broker_user_remove") {
		t.Errorf("%s, %v", journal.String(), err)
	}
	end()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

// A broker on loopback is open to anybody on the machine until it has a user; to take
// the last one out opens it and needs to be meant, and one whose password is gone keeps it closed.
func TestLastBrokerUser(t *testing.T) {
	dir := t.TempDir()
	cfg := Config{Settings: config.Settings{Change: true}, Sources: []config.Source{{Name: "open", Kind: "broker", Listen: "127.0.0.1:0"}}}
	a := openForSources(t, dir, cfg)
	put := api.BrokerUserPut{Change: ann, Broker: "open", New: true, Password: "long enough it is", Config: api.BrokerUser{Name: "x"}}
	if _, err := a.PutBrokerUser(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	drop := api.BrokerUserDeed{Change: ann, Broker: "open", Name: "x"}
	if _, err := a.RemoveBrokerUser(t.Context(), drop); fault.KindOf(err) != fault.Conflict || !strings.Contains(err.Error(), "anybody") {
		t.Errorf("the last one, and nobody confirmed: %v", err)
	}
	if _, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 0}); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a way back, and nobody confirmed: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = openForSources(t, dir, cfg)
	defer func() { _ = a.Close() }()
	if list := a.usersOf("open", nil); len(list) != 1 || list[0].Password != a.hashes.get("open", "x") {
		t.Errorf("after a restart: %+v", list)
	}
	drop.Change = sure
	if v, err := a.RemoveBrokerUser(t.Context(), drop); err != nil || len(v.Loosens) != 1 || len(a.usersOf("open", nil)) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := a.UndoSettings(t.Context(), api.SettingsUndo{Change: ann, Version: 1}); err != nil {
		t.Fatal(err)
	}
	if list := a.usersOf("open", nil); len(list) != 1 {
		t.Errorf("a user without a password leaves the broker open: %+v", list)
	}
}
