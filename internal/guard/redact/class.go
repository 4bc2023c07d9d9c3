package redact

import (
	"regexp"
	"strings"
	"sync"

	"vedette/internal/event"
)

// Class says what may leave of a field.
type Class uint8

// The classes. The zero value is the strictest: a field that nobody thought of
// does not leave.
const (
	Never     Class = iota // not sent at all
	Text                   // free text: what is found in it is hidden
	Pseudonym              // the whole value is hidden, one token for it
	Open                   // numbers, times, words of a protocol: sent as they are
)

func (c Class) String() string {
	switch c {
	case Text:
		return "text"
	case Pseudonym:
		return "pseudonym"
	case Open:
		return "open"
	case Never:
	}
	return "never"
}

// rule is the class of a field, and the kind of its pseudonyms.
type rule struct {
	class Class
	kind  string
}

// products is the kind of text that names makers, products and versions: names
// of people and places are not looked for in it, since the names of products
// look like them. The catalogue and all that has a form still are.
const products = "products"

// table classes the fields of the event schema and the columns of answers.
// Fields of numbers, times and booleans are open without a line here.
func table() map[string]rule {
	t := map[string]rule{}
	put := func(class Class, kind, names string) {
		for name := range strings.FieldsSeq(names) {
			t[name] = rule{class, kind}
		}
	}
	put(Never, "", `raw metadata.source template.uid session.uid tls.certificate.serial identity.location mqtt.client_id
		device.owner src_endpoint.owner dst_endpoint.owner label.confidentiality label.integrity`)
	put(Pseudonym, "HOST", `device.hostname device.name src_endpoint.host dst_endpoint.host src_endpoint.hostname src_endpoint.name dst_endpoint.hostname dst_endpoint.name http_request.url.hostname query.hostname tls.sni identity.name
		host hostname name device src dst domain`)
	put(Pseudonym, "UID", `device.uid src_endpoint.uid dst_endpoint.uid metadata.uid connection_info.uid connection_info.community_uid finding_info.related_events user.uid uid evidence`)
	put(Pseudonym, "IP", `device.ip src_endpoint.ip dst_endpoint.ip dhcp.assigned_ip dhcp.requested_ip ip ips address`)
	put(Pseudonym, "MAC", `device.mac src_endpoint.mac dst_endpoint.mac mac macs`)
	put(Pseudonym, "USER", `user.name actor.user.name user`)
	put(Pseudonym, "SITE", `device.zone src_endpoint.zone dst_endpoint.zone zone site`)
	put(Pseudonym, "SERIAL", `identity.serial serial`)
	put(Pseudonym, "EMAIL", `email.from email.to`)
	put(Pseudonym, "TAG", `ics.object metric.name tag`)
	put(Open, "", `metadata.log_name metadata.product metadata.event_code activity_name status connection_info.protocol_name connection_info.direction connection_info.state connection_info.history app_name
		auth_protocol http_request.http_method http_request.version http_response.content_type query.type rcode tls.version tls.cipher tls.ja3_hash tls.ja3s_hash tls.ja4 file.mime_type ssh.hassh
		device.type device.level device.criticality device.state src_endpoint.type src_endpoint.level src_endpoint.criticality dst_endpoint.type dst_endpoint.level dst_endpoint.criticality
		dhcp.message_type finding_info.uid finding_info.category finding_info.techniques disposition ics.protocol ics.function ics.response metric.unit anomaly.novel identity.source
		severity type level criticality state count total techniques technique rule`)
	t["rows in all"] = rule{class: Open}             // how many rows an answer has
	t["earlier question"] = rule{class: Text}        // of the same conversation
	t["said earlier by a model"] = rule{class: Text} // of the same conversation
	put(Text, products, `device.vendor device.model device.firmware device.os src_endpoint.vendor dst_endpoint.vendor process.name http_request.user_agent product.name product.version product.vendor_name
		ssh.client ssh.server finding_info.title identity.vendor identity.model identity.firmware identity.type identity.os title vendor model firmware`)
	put(Text, "", `message status_detail process.cmd_line process.file.path process.parent.cmd_line process.parent.file.path
		http_request.url.path http_request.referrer answers tls.certificate.subject tls.certificate.issuer file.name file.md5 file.sha1 file.sha256 email.subject
		mqtt.topic finding_info.reasons ics.value anomaly.reasons identity.banner template.text text reasons`)
	for _, f := range event.Fields() {
		if _, told := t[f.Name]; told {
			continue
		}
		switch f.Kind {
		case event.Int, event.Float, event.Bool, event.Time:
			t[f.Name] = rule{class: Open}
		case event.String, event.IP, event.List:
		}
	}
	for _, f := range event.Fields() {
		for _, alias := range f.Aliases {
			if _, told := t[alias]; !told {
				t[alias] = t[f.Name]
			}
		}
	}
	return t
}

// measure is a column that was computed: count(field), p95(field).
var measure = regexp.MustCompile(`^([a-z]+[0-9]*)(?:\(([^()]*)\))?$`)

// ClassOf says what may leave of a field of the event schema or a column of an
// answer. A name that is not known is of class [Never]; no name means text.
func ClassOf(field string) Class { return ruleOf(field).class }

// classes is the table, made once.
var classes = sync.OnceValue(table)

func ruleOf(field string) rule {
	if field == "" {
		return rule{class: Text}
	}
	if r, ok := classes()[field]; ok {
		return r
	}
	m := measure.FindStringSubmatch(field)
	if m == nil {
		return rule{}
	}
	switch fn := m[1]; {
	case (fn == "first" || fn == "last") && m[2] == "":
		return rule{class: Open} // a time
	case fn == "min" || fn == "max" || fn == "first" || fn == "last":
		return classes()[m[2]] // one of the values
	case numeric[fn] || percentile.MatchString(fn):
		return rule{class: Open}
	}
	return rule{}
}

// numeric are the measures that give a number whatever they are of.
var numeric = wordSet("count sum avg distinct median share ratio change diff rate")

var percentile = regexp.MustCompile(`^p[0-9]{1,2}$`)
