package telemetry

import (
	"strconv"
	"strings"
	"time"

	"vedette/internal/normalize/jsonleaf"
	"vedette/internal/normalize/moment"
)

// node is one value of the record with what its key means.
type node struct {
	leaf  *jsonleaf.Leaf
	path  string // of the object that holds it; "" is the record itself
	last  string // its own key
	plain string // as [plainKey] makes it
	means role
}

// object is one object of the record.
type object struct {
	when              time.Time
	name, value, unit *node
	nodes             []*node
	bare              int // values that no other key explains
}

// tree is a record sorted by its objects.
type tree struct {
	frame   moment.Frame
	nodes   []node
	objects map[string]*object
	units   map[string]string // of keys, by the path of their object and the plain key
	m       Message
	skipped int // numbers beyond maxReadings
}

// fromLeaves understands the leaves of a JSON record.
func fromLeaves(leaves []jsonleaf.Leaf, frame moment.Frame) Message {
	t := &tree{frame: frame, nodes: make([]node, len(leaves)), objects: make(map[string]*object), units: make(map[string]string)}
	for i := range leaves {
		t.sort(&t.nodes[i], &leaves[i])
	}
	for i := range t.nodes {
		t.place(&t.nodes[i])
	}
	t.sender()
	for i := range t.nodes {
		t.read(&t.nodes[i])
	}
	if t.skipped > 0 {
		t.m.keep("telemetry.not_read", strconv.Itoa(t.skipped))
	}
	return t.m
}

// sort says what a leaf means.
func (t *tree) sort(n *node, leaf *jsonleaf.Leaf) {
	n.leaf, n.last = leaf, leaf.Key.Name
	if i := strings.LastIndexByte(n.last, '.'); i >= 0 {
		n.path, n.last = n.last[:i], n.last[i+1:]
	}
	n.plain = plainKey(n.last)
	n.means = roles[n.plain]
	holder, holderIsDevice := t.holders(n.path)
	switch {
	case holderIsDevice && isIdentity(n.plain):
		n.means = roleDevice
	case holder && (n.means == roleName || n.means == roleValue || n.means == roleUnit || n.means == roleNone || n.means == roleTime):
		n.means = roleAttribute
	case n.means == roleTime && n.last == "t" && stamp(leaf.Value, t.frame).Year() < 2000:
		n.means = roleNone // a temperature
	case len(leaf.List) > 1 && n.means != roleNone:
		n.means = roleAttribute
	}
	o := t.objects[n.path]
	if o == nil {
		o = &object{}
		t.objects[n.path] = o
	}
	o.nodes = append(o.nodes, n)
	if _, number := parseNumber(leaf.Value); number && n.means == roleNone {
		o.bare++
	}
	t.noteUnit(n)
}

// anywhere stands for the path of the object of a key that "units" names.
const anywhere = "\x01\x00"

// noteUnit notes the unit of one key: "temperature_unit" beside it, or its
// namesake in "units".
func (t *tree) noteUnit(n *node) {
	if key, ok := strings.CutSuffix(n.plain, "unit"); ok && key != "" {
		t.units[n.path+"\x00"+key] = n.leaf.Value
	}
	if strings.HasSuffix("."+n.path, ".units") {
		t.units[anywhere+n.plain] = n.leaf.Value
	}
}

func isIdentity(key string) bool {
	switch key {
	case "id", "name", "uid", "uuid", "devicename", "hostname", "deviceid":
		return true
	}
	return false
}

// holders tells whether an object describes, and whether what it describes is
// the sender.
func (t *tree) holders(path string) (attributes, device bool) {
	for part := range strings.SplitSeq(path, ".") {
		key := plainKey(part)
		attributes = attributes || attributeHolders[key]
		device = device || deviceHolders[key]
	}
	return attributes || device, device
}

// place notes what stands for a whole object or for the message.
func (t *tree) place(n *node) {
	v := n.leaf.Value
	o := t.objects[n.path]
	switch {
	case v == "":
	case n.means == roleDevice && t.m.Device.Hostname == "":
		t.m.Device.Hostname = v
	case n.means == roleIP && t.m.Device.IP == "":
		t.m.Device.IP = v
	case n.means == roleMAC && t.m.Device.MAC == "":
		t.m.Device.MAC = v
	case n.means == roleTime && o.when.IsZero():
		if o.when = stamp(v, t.frame); !o.when.IsZero() {
			if t.m.Time.IsZero() {
				t.m.Time = o.when
			}
			return
		}
		n.means = roleAttribute
		return
	case n.means == roleName && o.name == nil:
		o.name = n
	case n.means == roleValue && o.value == nil:
		o.value = n
	case n.means == roleUnit && o.unit == nil:
		o.unit = n
	case n.means != roleNone:
		n.means = roleAttribute
	}
}

// sender takes what is named at the top of a record that measures several
// things, and names no device, for its sender.
func (t *tree) sender() {
	o := t.objects[""]
	if o == nil || o.value != nil || o.name == nil || t.m.Device.Hostname != "" {
		return
	}
	t.m.Device.Hostname = o.name.leaf.Value
	o.name.means = roleDevice
}

// read makes a reading of a number, and keeps what is none.
func (t *tree) read(n *node) {
	v := n.leaf.Value
	o := t.objects[n.path]
	switch n.means {
	case roleDevice, roleIP, roleMAC, roleTime:
		return
	case roleName:
		if o.value == nil {
			t.bare(n)
		}
		return
	case roleUnit:
		if o.value == nil && o.bare != 1 { // nothing says whose it is
			t.m.keep(n.leaf.Key.Name, v)
		}
		return
	case roleValue:
		r := t.reading(n, t.nameOf(n, o))
		if v == "true" || v == "false" {
			r.truth(v == "true")
		} else {
			r.number(v)
		}
		t.add(r)
		return
	case roleAttribute:
		if o.value != nil && n.path != "" {
			return // went with its reading
		}
		t.m.keep(n.leaf.Key.Name, v)
		return
	case roleNone:
	}
	t.bare(n)
}

// bare reads a value that no other key explains: a reading if it is a number.
func (t *tree) bare(n *node) {
	if o := t.objects[n.path]; o.value != nil {
		if n.path == "" {
			t.m.keep(n.leaf.Key.Name, n.leaf.Value)
		}
		return // went with the reading of the object
	}
	members := n.leaf.Members()
	if len(members) > maxList {
		t.m.keep(n.leaf.Key.Name, n.leaf.Value)
		return
	}
	for i, v := range members {
		name := stripped(n.leaf.Key.Name)
		if len(members) > 1 {
			name += "." + strconv.Itoa(i)
		}
		r := t.reading(n, name)
		if !r.number(v) {
			t.m.keep(n.leaf.Key.Name, v)
			continue
		}
		t.add(r)
	}
}
