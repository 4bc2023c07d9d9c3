package opcua

import (
	"strconv"

	"vedette/internal/event"
	"vedette/internal/normalize/wire/ot/ics"
)

// activate reads who a session is for (part 4, section 5.6.3). A password is
// not kept.
func activate(e *event.Event, r *ics.Reader) {
	blob(r)
	blob(r)
	for range count(r) {
		blob(r)
		blob(r)
	}
	skipStrings(r)
	id, token := extension(r)
	kind, ok := tokenTypes[id.number]
	if !ok {
		return
	}
	e.AddExtra("ext_obj_type_id_str", kind)
	e.SetAuthProtocol(kind)
	e.AddExtra("policy_id", str(token))
	const userName = 324
	if id.number == userName {
		e.SetUserName(str(token))
		e.AddExtra("password", "given")
	}
}

// description is an ApplicationDescription (section 7.2).
type description struct{ uri, product, name string }

func application(r *ics.Reader) description {
	a := description{uri: str(r), product: str(r), name: localized(r)}
	r.Skip(4)
	blob(r)
	blob(r)
	skipStrings(r)
	return a
}

// claim is what a server says of the device that it runs on.
func (a description) claim() ics.Claim {
	c := ics.Claim{Source: "opcua application", Name: a.name, Model: a.product}
	if c.Name == "" {
		c.Name = a.uri
	}
	return c
}

// answer reads what an answer says.
func answer(e *event.Event, id int, r *ics.Reader) []ics.Claim {
	switch id {
	case idGetEndpoints + toResponse:
		return endpoints(r)
	case idFindServers + toResponse:
		var all []ics.Claim
		for i := count(r); i > 0 && r.OK() && len(all) < maxClaims; i-- {
			all = append(all, application(r).claim())
		}
		return all
	case idCreateSession + toResponse:
		e.SetSessionUID(readNode(r).String())
		readNode(r)
		r.Skip(8)
		blob(r)
		blob(r)
		return endpoints(r)
	case idRead + toResponse:
		var l ics.List
		for i := count(r); i > 0 && r.OK() && !l.Full(); i-- {
			v, status := dataValue(r, 0)
			if uint32(status)&severityBad != 0 { //nolint:gosec // G115: only the bits matter
				ics.Bad(e, statusName(status))
				v = statusName(status)
			}
			l.Add(v)
		}
		e.SetICSValue(l.String())
	case idWrite + toResponse, idDeleteNodes + toResponse:
		for i := count(r); i > 0 && r.OK(); i-- {
			if code := r.LE32(); uint32(code)&severityBad != 0 { //nolint:gosec // G115: only the bits matter
				ics.Bad(e, statusName(code))
			}
		}
	case idCall + toResponse, idAddNodes + toResponse:
		if count(r) > 0 {
			outcome(e, r.LE32())
		}
	case idSubscribe + toResponse:
		e.AddExtra("subscription_id", strconv.Itoa(r.LE32()))
	}
	return nil
}

const maxClaims = 16

// endpoints reads EndpointDescriptions (section 7.14).
func endpoints(r *ics.Reader) (all []ics.Claim) {
	for i := count(r); i > 0 && r.OK() && len(all) < maxClaims; i-- {
		blob(r)
		a := application(r)
		blob(r)
		r.Skip(4)
		blob(r)
		for range count(r) {
			blob(r)
			r.Skip(4)
			blob(r)
			blob(r)
			blob(r)
		}
		blob(r)
		r.Skip(1)
		if r.OK() {
			all = append(all, a.claim())
		}
	}
	return all
}
