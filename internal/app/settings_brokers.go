package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"vedette/internal/api"
	"vedette/internal/app/chosen"
	"vedette/internal/config"
	"vedette/internal/fault"
	"vedette/internal/ingest/broker"
	"vedette/internal/store"
)

// hashKind is the kind of the records that have the hashes of passwords of users of
// brokers. They are not in the settings, so that no version, no entry of the journal and no way
// back has one.
const hashKind = "broker_password"

// The bounds of a user of a broker.
const (
	maxUserFilters = 50
	maxUserText    = 256 // bytes of a name or filter
	minUserSecret  = 12  // bytes of a password
	maxUserSecret  = 512
)

// brokerHashes are the hashes of passwords by broker and user. It is safe for concurrent
// use.
type brokerHashes struct {
	mu   sync.Mutex
	list map[string]string
}

// keptHash is one of them as it is stored.
type keptHash struct {
	Broker string `json:"broker"`
	Name   string `json:"name"`
	Hash   string `json:"hash"`
}

func hashID(of, name string) string { return chosen.Hash([]byte(of + "\x00" + name)) }

func (h *brokerHashes) get(of, name string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list[hashID(of, name)]
}

func (h *brokerHashes) set(of, name, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if hash == "" {
		delete(h.list, hashID(of, name))
		return
	}
	h.list[hashID(of, name)] = hash
}

// openChosen puts limits in force that are set, and reads the hashes.
func (a *App) openChosen(ctx context.Context) error {
	a.applyLimits()
	a.hashes.list = map[string]string{}
	records := kept(ctx, a.records, hashKind)
	for rec := range records.each {
		var h keptHash
		if err := json.Unmarshal(rec.JSON, &h); err != nil || rec.ID != hashID(h.Broker, h.Name) {
			a.cfg.Log.Warn("the password of a user of a broker cannot be read; they are not let in", "component", "ingest")
			continue
		}
		a.hashes.set(h.Broker, h.Name, h.Hash)
	}
	return records.err
}

// usersOf are the users of a broker that were set here and count beside those of its file.
func (a *App) usersOf(name string, file []broker.User) []broker.User {
	doc, _ := a.set.Now()
	var out []broker.User
	for _, u := range doc.Users {
		one := broker.User{Name: u.Name, Password: a.hashes.get(u.Broker, u.Name), Publish: u.Publish, Subscribe: u.Subscribe}
		switch {
		case u.Broker != name || slices.ContainsFunc(file, func(f broker.User) bool { return f.Name == u.Name }):
		case a.userRests(u, file) == "":
			out = append(out, one)
		case one.Password == "": // nobody gets in as them, and the broker is not open to anybody therefore
			if one.Password = broker.NoPassword(); broker.CheckUser(one) == nil {
				out = append(out, one)
			}
		}
	}
	return out
}

// userRests says why a user that was set here does not count; empty: they do.
func (a *App) userRests(u chosen.User, file []broker.User) string {
	if slices.ContainsFunc(file, func(f broker.User) bool { return f.Name == u.Name }) {
		return "the file of users has one of that name, which counts"
	}
	hash := a.hashes.get(u.Broker, u.Name)
	if hash == "" {
		return "there is no password: set another one"
	}
	if err := broker.CheckUser(broker.User{Name: u.Name, Password: hash, Publish: u.Publish, Subscribe: u.Subscribe}); err != nil {
		return plainText(err)
	}
	return ""
}

// brokers are the sources that are brokers, as they are set.
func (a *App) brokers(doc chosen.Doc) []config.Source {
	var out []config.Source
	add := func(s config.Source) {
		if s.Kind == "broker" {
			out = append(out, s)
		}
	}
	for _, s := range a.cfg.Sources {
		add(s)
	}
	for _, kept := range doc.Sources {
		if s, problems := config.ReadSource(kept.Config); len(problems) == 0 && a.configured(kept.Name) < 0 {
			add(s)
		}
	}
	return out
}

func (a *App) brokerNamed(doc chosen.Doc, name string) (config.Source, error) {
	for _, s := range a.brokers(doc) {
		if s.Name == name {
			return s, nil
		}
	}
	return config.Source{}, fault.New(fault.NotFound, "there is no source %.100q that is a broker", name).WithHint("list sources with: vedette sources config")
}

// BrokerUsers implements [api.BrokerSettings].
func (a *App) BrokerUsers(_ context.Context, name string) ([]api.BrokerUserView, error) {
	doc, _ := a.set.Now()
	if name != "" {
		if _, err := a.brokerNamed(doc, name); err != nil {
			return nil, err
		}
	}
	out := []api.BrokerUserView{}
	files := map[string][]broker.User{}
	for _, s := range a.brokers(doc) {
		if name != "" && s.Name != name {
			continue
		}
		list, err := usersIn(s)
		if err != nil && name != "" {
			return nil, err
		}
		files[s.Name] = list
		for _, u := range list {
			out = append(out, api.BrokerUserView{Broker: s.Name, Config: api.BrokerUser{Name: u.Name, Publish: u.Publish, Subscribe: u.Subscribe}, Origin: api.FromFile, Place: s.UsersFile, Fixed: true})
		}
	}
	for _, u := range doc.Users {
		if name == "" || u.Broker == name {
			out = append(out, a.userShown(u, files))
		}
	}
	return out, nil
}

func (a *App) userShown(u chosen.User, files map[string][]broker.User) api.BrokerUserView {
	v := api.BrokerUserView{Broker: u.Broker, Config: api.BrokerUser{Name: u.Name, Publish: u.Publish, Subscribe: u.Subscribe}, Origin: api.FromHere, Version: u.Mark.Version, By: byOf(u.Mark)}
	file, there := files[u.Broker]
	if v.Rests = a.userRests(u, file); !there {
		v.Rests = "there is no broker of that name"
	}
	return v
}

// PutBrokerUser implements [api.BrokerSettings].
func (a *App) PutBrokerUser(ctx context.Context, p api.BrokerUserPut) (api.BrokerUserView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	none := api.BrokerUserView{}
	s, err := a.brokerNamed(doc, p.Broker)
	if err != nil {
		return none, err
	}
	file, err := usersIn(s)
	if err != nil {
		return none, err
	}
	if err := errors.Join(a.mayChange(), mayPutUser(doc, file, p)); err != nil {
		return none, err
	}
	next := chosen.User{Broker: p.Broker, Name: p.Config.Name, Publish: p.Config.Publish, Subscribe: p.Config.Subscribe}
	hash, secret, err := a.passwordOf(p)
	if err != nil {
		return none, err
	}
	if err := checkedUser(next, hash); err != nil {
		return none, err
	}
	if p.Check {
		return api.BrokerUserView{Broker: p.Broker, Config: p.Config, Origin: api.FromHere}, nil
	}
	raw, err := json.Marshal(keptHash{p.Broker, p.Config.Name, hash})
	if err != nil {
		return none, fault.Wrap(fault.Internal, err, "keeping a user of the broker %s", p.Broker)
	}
	at := doc.User(p.Broker, p.Config.Name)
	_, err = a.set.Change(ctx, p.Actor, p.Why, func(d *chosen.Doc, m chosen.Mark) (chosen.Deed, error) {
		next.Mark = m
		deed := chosen.Deed{Action: "settings.broker_user_add", Object: p.Broker + " " + next.Name, After: saidUser(next), More: []store.Change{{Kind: hashKind, ID: hashID(next.Broker, next.Name), Version: store.AnyVersion, JSON: raw}}}
		if at < 0 {
			d.Users = append(d.Users, next)
			return deed, nil
		}
		deed.Action, deed.Before = "settings.broker_user_change", saidUser(d.Users[at])
		if p.Renew {
			deed.After += ", another password"
		}
		d.Users[at] = next
		return deed, nil
	})
	if err != nil {
		return none, err
	}
	a.hashes.set(p.Broker, next.Name, hash)
	v := a.userShown(next, map[string][]broker.User{p.Broker: file})
	v.Secret = secret
	return v, a.applyBroker(s)
}

// mayPutUser refuses what stands against a user of that name.
func mayPutUser(doc chosen.Doc, file []broker.User, p api.BrokerUserPut) error {
	at := doc.User(p.Broker, p.Config.Name)
	switch {
	case slices.ContainsFunc(file, func(f broker.User) bool { return f.Name == p.Config.Name }):
		return fault.New(fault.Conflict, "the user %.100q is in the file of users of the broker %s", p.Config.Name, p.Broker).WithHint("change it there, or choose another name")
	case p.New && at >= 0:
		return fault.New(fault.Conflict, "there is a user %.100q of the broker %s already", p.Config.Name, p.Broker)
	case !p.New && at < 0:
		return fault.New(fault.NotFound, "there is no user %.100q of the broker %s", p.Config.Name, p.Broker).WithHint("list them with: vedette sources users %s", p.Broker)
	case at < 0 && len(doc.Users) >= chosen.MaxUsers:
		return fault.New(fault.Limited, "there are %d users of brokers, which is the most that are set here", len(doc.Users)).WithHint("name more in a file of users, see docs/sources.md")
	case at >= 0:
		return stale(p.Change, doc.Users[at].Mark.Version)
	}
	return nil
}

// passwordOf gives the hash that a user is to have, and the password if one is made.
func (a *App) passwordOf(p api.BrokerUserPut) (hash, secret string, err error) {
	given := p.Password != "" || p.Hash != ""
	switch {
	case p.Password != "" && p.Hash != "":
		return "", "", fault.New(fault.Invalid, "there are a password and a hash").WithHint("give one of them, or none for a password that is made")
	case !p.New && !p.Renew && given:
		return "", "", fault.New(fault.Invalid, "there is a password, and it is not to be changed").WithHint("say renew: true")
	case !p.New && !p.Renew:
		if hash = a.hashes.get(p.Broker, p.Config.Name); hash == "" {
			err = fault.New(fault.Conflict, "the user %.100q has no password", p.Config.Name).WithHint("set another one (renew)")
		}
		return hash, "", err
	case p.Hash != "":
		return p.Hash, "", nil
	case p.Password != "" && (len(p.Password) < minUserSecret || len(p.Password) > maxUserSecret):
		return "", "", fault.New(fault.Invalid, "the password has fewer than %d bytes or more than %d", minUserSecret, maxUserSecret).WithHint("leave it out, and one is made")
	case p.Password != "":
		hash, err = broker.HashPassword(p.Password)
		return hash, "", err
	}
	secret = rand.Text()
	hash, err = broker.HashPassword(secret)
	return hash, secret, err
}

// checkedUser checks a user as the file is, and within bounds.
func checkedUser(u chosen.User, hash string) error {
	words := slices.Concat([]string{u.Name}, u.Publish, u.Subscribe)
	long := func(w string) bool {
		return len(w) > maxUserText || strings.ContainsFunc(w, func(r rune) bool { return r < ' ' })
	}
	if len(words) > maxUserFilters+1 || slices.ContainsFunc(words, long) {
		return fault.New(fault.Invalid, "the user has more than %d filters, or a text that is longer than %d bytes or has signs that cannot be seen", maxUserFilters, maxUserText)
	}
	return broker.CheckUser(broker.User{Name: u.Name, Password: hash, Publish: u.Publish, Subscribe: u.Subscribe})
}

func saidUser(u chosen.User) string {
	return fmt.Sprintf("may publish %q, subscribe %q", u.Publish, u.Subscribe)
}

// RemoveBrokerUser implements [api.BrokerSettings].
func (a *App) RemoveBrokerUser(ctx context.Context, d api.BrokerUserDeed) (api.BrokerUserView, error) {
	a.setting.Lock()
	defer a.setting.Unlock()
	doc, _ := a.set.Now()
	at := doc.User(d.Broker, d.Name)
	if at < 0 {
		if err := a.writtenUser(doc, d); err != nil {
			return api.BrokerUserView{}, err
		}
		return api.BrokerUserView{}, fault.New(fault.NotFound, "there is no user %.100q of a broker %.100q that was set here", d.Name, d.Broker).WithHint("list them with: vedette sources users %s", d.Broker)
	}
	was := doc.Users[at]
	v := a.userShown(was, nil)
	v.Rests = ""
	if err := errors.Join(a.mayChange(), stale(d.Change, was.Mark.Version)); err != nil {
		return v, err
	}
	next := doc
	next.Users = slices.Delete(slices.Clone(doc.Users), at, at+1)
	if v.Loosens = a.openedBrokers(doc, next); d.Check {
		return v, nil
	}
	if err := opens(v.Loosens, d.Confirm); err != nil {
		return v, err
	}
	_, err := a.set.Change(ctx, d.Actor, d.Why, func(set *chosen.Doc, _ chosen.Mark) (chosen.Deed, error) {
		set.Users = slices.Delete(set.Users, at, at+1)
		return chosen.Deed{Action: "settings.broker_user_remove", Object: d.Broker + " " + d.Name, Before: saidUser(was), Opens: strings.Join(v.Loosens, "; "), More: goneUsers(doc, next)}, nil
	})
	if err != nil {
		return v, err
	}
	a.applyUsers(doc, next) //nolint:contextcheck // a source runs by the context of the server, not of who asked
	return v, nil
}

// writtenUser refuses what concerns a user of a file.
func (a *App) writtenUser(doc chosen.Doc, d api.BrokerUserDeed) error {
	s, err := a.brokerNamed(doc, d.Broker)
	if err != nil {
		return err
	}
	file, err := usersIn(s)
	if err == nil && slices.ContainsFunc(file, func(f broker.User) bool { return f.Name == d.Name }) {
		err = fault.New(fault.Conflict, "the user %.100q is in the file of users of the broker %s", d.Name, d.Broker).WithHint("change it there: %s", s.UsersFile)
	}
	return err
}

// goneUsers takes away the passwords of users that a document has no more.
func goneUsers(from, to chosen.Doc) []store.Change {
	var out []store.Change
	for _, u := range from.Users {
		if to.User(u.Broker, u.Name) < 0 {
			out = append(out, store.Change{Kind: hashKind, ID: hashID(u.Broker, u.Name), Version: store.AnyVersion})
		}
	}
	return out
}

// applyUsers puts the users in force that two documents have otherwise.
func (a *App) applyUsers(from, to chosen.Doc) {
	touched := map[string]bool{}
	for _, u := range from.Users {
		if at := to.User(u.Broker, u.Name); at < 0 || !to.Users[at].Same(u) {
			touched[u.Broker] = true
			if at < 0 {
				a.hashes.set(u.Broker, u.Name, "")
			}
		}
	}
	for _, u := range to.Users {
		if from.User(u.Broker, u.Name) < 0 {
			touched[u.Broker] = true
		}
	}
	for _, s := range a.brokers(to) {
		if !touched[s.Name] {
			continue
		}
		if err := a.applyBroker(s); err != nil {
			a.cfg.Log.Error("the users of a broker cannot be put in force; it is started anew", "component", "ingest", "source", s.Name, "err", err)
			a.applySource(s.Name)
		}
	}
}

// applyBroker tells a broker that runs who may connect.
func (a *App) applyBroker(s config.Source) error {
	l := a.live.Load()
	if l == nil {
		return nil
	}
	running := l.broker(s.Name)
	if running == nil {
		return nil
	}
	file, err := usersIn(s)
	if err != nil {
		return err
	}
	return running.SetUsers(append(file, a.usersOf(s.Name, file)...))
}

// broker finds a broker among the sources; nil: it is none, or rests.
func (l *Live) broker(name string) *broker.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sources {
		if b, ok := s.(*broker.Source); ok && s.Status().Name == name {
			return b
		}
	}
	return nil
}

// openedBrokers says which brokers anybody on this machine may connect to by a document,
// and not by another.
func (a *App) openedBrokers(from, to chosen.Doc) []string {
	count := func(d chosen.Doc) map[string]int {
		out := map[string]int{}
		for _, u := range d.Users {
			out[u.Broker]++
		}
		return out
	}
	before, after := count(from), count(to)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if s, err := a.brokerNamed(to, name); err == nil && s.UsersFile == "" && after[name] == 0 {
			out = append(out, "the broker "+name+" has no user left: anybody on this machine may connect")
		}
	}
	return out
}

// changedUsers says what becomes of users of brokers between two documents.
func changedUsers(from, to chosen.Doc) []string {
	var out []string
	for _, u := range to.Users {
		switch at := from.User(u.Broker, u.Name); {
		case at < 0:
			out = append(out, "user "+u.Name+" of the broker "+u.Broker+" is there again, and needs another password")
		case !from.Users[at].Same(u):
			out = append(out, "user "+u.Name+" of the broker "+u.Broker+" may do what they might")
		}
	}
	for _, u := range from.Users {
		if to.User(u.Broker, u.Name) < 0 {
			out = append(out, "user "+u.Name+" of the broker "+u.Broker+" is removed")
		}
	}
	return out
}
