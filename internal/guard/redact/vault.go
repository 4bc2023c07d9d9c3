package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// What stands in the place of what is never given back.
const (
	HiddenSecret = "[SECRET]"
	Withheld     = "[WITHHELD]" // of a field whose class is Never, or that could not be made clean
)

// Vault gives the values of one conversation pseudonyms and takes them back.
// The same value has the same token as long as the vault lives; the key must be
// random and of this conversation alone. Its map is in memory only. It is safe
// for concurrent use.
type Vault struct {
	mu     sync.Mutex
	key    []byte
	known  *Compiled
	token  map[string]string // type NUL value as it is written → token
	value  map[string]string // token → value as it is written
	stems  map[string]string // stem → type NUL canonical value
	levels map[string]string // part of an address → its digits
	hidden map[done]bool     // texts that this vault wrote
	own    map[int]bool      // ordinary words of the catalogue that our own text has
}

// foreign holds the place of a token that a text had before it was issued.
const foreign = "written by someone else"

// placeholder begins what the planner calls a device in a request (⟨device#1⟩).
const placeholder = "⟨"

// done is a text that this vault wrote for fields of a rule.
type done struct {
	rule rule
	text string
}

// maxHidden bounds how many outputs a vault remembers; see [Vault.Hide].
const maxHidden = 50_000

// NewVault returns an empty vault for one conversation.
func NewVault(key []byte, catalogue Catalogue) *Vault { return NewVaultOf(key, Compile(catalogue)) }

// NewVaultOf is [NewVault] with a catalogue that was made ready before.
func NewVaultOf(key []byte, known *Compiled) *Vault {
	return &Vault{
		key: slices.Clone(key), known: known, token: map[string]string{}, value: map[string]string{},
		stems: map[string]string{}, levels: map[string]string{}, hidden: map[done]bool{}, own: map[int]bool{},
	}
}

// Hide returns what may leave of the value of a field. An empty field means
// free text; what a field's class is says [ClassOf]. Hidden text is left as it
// is, so hiding twice changes nothing. Whatever comes back holds no value of
// the catalogue, plain or in an encoding that [Vault.Leaks] undoes.
func (v *Vault) Hide(field, value string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := ruleOf(field)
	if value == "" || r.class != Never && v.hidden[done{r, value}] {
		return value
	}
	var out string
	switch r.class {
	case Open:
		out = v.open(value)
	case Pseudonym:
		if strings.Contains(value, placeholder) {
			out = v.text(value, false) // a name, and what it is called in this request
		} else {
			out = v.whole(r.kind, value)
		}
	case Text:
		out = v.text(value, r.kind == products)
	case Never:
		return Withheld
	}
	if _, token := v.value[out]; !token && out != value && len(v.leaks(out, nil)) > 0 {
		out = Withheld
	}
	if len(v.hidden) < maxHidden {
		v.hidden[done{r, out}] = true
	}
	return out
}

// openRE is what an open value looks like: a word, a number or a time. What is
// longer or stranger is text, whatever the field says.
var openRE = regexp.MustCompile(`^[\pL\pN][\pL\pN ._:+/^,;()-]{0,79}$|^-?[0-9.]+$`)

func (v *Vault) open(value string) string {
	if !openRE.MatchString(value) || len(v.leaks(value, nil)) > 0 {
		return v.text(value, false)
	}
	return value
}

// whole hides a value as one. A list of values is hidden one by one.
func (v *Vault) whole(kind, value string) string {
	if sep := separator(value); sep != "" {
		parts := strings.Split(value, sep)
		for i, p := range parts {
			parts[i] = v.whole(kind, p)
		}
		return strings.Join(parts, sep)
	}
	if _, issued := v.value[value]; issued || value == "" || value == HiddenSecret || value == Withheld {
		return value
	}
	if kind == "HOST" && isAddress(value) {
		kind = "IP"
	}
	return v.issue(kind, value)
}

func separator(value string) string {
	for _, sep := range []string{", ", ",", "\n"} {
		if strings.Contains(value, sep) {
			return sep
		}
	}
	return ""
}

// kindOf is the short word that tokens of a type of span begin with; no word
// means that spans of the type are left as they are.
var kindOf = map[string]string{
	PersonName: "PERSON", Address: "ADDR", Place: "PLACE", Organization: "ORG", Phone: "PHONE", Card: "CARD", Postcode: "ZIP", Email: "EMAIL", Group: "GROUP",
	Domain: "HOST", IBAN: "IBAN", SSN: "SSN", Age: "AGE", IP: "IP", MAC: "MAC", Host: "HOST", User: "USER", Serial: "SERIAL", Identity: "ID",
}

// issue returns the token of a value, a new one if it has none.
func (v *Vault) issue(kind, value string) string {
	id := kind + "\x00" + value
	if t, ok := v.token[id]; ok {
		return t
	}
	if plainAddress(kind, value) {
		return value
	}
	stem := v.stem(kind, value)
	t := stem
	for n := 2; ; n++ { // another spelling of the same value
		if _, taken := v.value[t]; !taken && v.stems[t] != foreign {
			break
		}
		t = stem + "_v" + strconv.Itoa(n)
	}
	v.token[id], v.value[t] = t, value
	return t
}

// plainAddress reports whether an address means the same everywhere.
func plainAddress(kind, value string) bool {
	a, err := netip.ParseAddr(value)
	return kind == "IP" && err == nil && (a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || value == "255.255.255.255")
}

// stem is what all spellings of a value share.
func (v *Vault) stem(kind, value string) string {
	canonical := fold(strings.TrimSpace(value))
	if kind == "IP" {
		if s, ok := v.addressStem(value); ok {
			return s
		}
	}
	id := kind + "\x00" + canonical
	sum := v.sum(id)
	for n := 4; ; n += 2 {
		stem := kind + "_" + sum[:n]
		if holder, taken := v.stems[stem]; !taken || holder == id || n+2 > len(sum) {
			v.stems[stem] = id
			return stem
		}
	}
}

// addressStem keeps of an address what it shares with others: IP_3f_a2_91c0 and
// IP_3f_a2_07bd are of one /24 (of IPv6: one /64) in one /16 (/48).
func (v *Vault) addressStem(value string) (string, bool) {
	kind, bits := "IP", -1
	text, length, isPrefix := strings.Cut(value, "/")
	a, err := netip.ParseAddr(text)
	if err != nil {
		return "", false
	}
	a = a.Unmap()
	cuts := []int{16, 24}
	if a.Is6() {
		cuts = []int{48, 64}
	}
	if isPrefix {
		kind = "NET"
		if bits, err = strconv.Atoi(length); err != nil {
			return "", false
		}
	}
	parts, parent := []string{kind}, ""
	for _, cut := range cuts {
		if bits >= 0 && bits < cut {
			break
		}
		p, err := a.WithZone("").Prefix(cut)
		if err != nil {
			return "", false
		}
		parent = v.level(parent, p.String(), 2)
		parts = append(parts, parent[strings.LastIndexByte(parent, '_')+1:])
	}
	if id := fold(value); bits < 0 || !slices.Contains(cuts, bits) {
		parent = v.level(parent, id, 4)
		parts = append(parts, parent[strings.LastIndexByte(parent, '_')+1:])
	}
	return strings.Join(parts, "_"), true
}

// level returns the digits of a part of an address below parent.
func (v *Vault) level(parent, part string, digits int) string {
	sum := v.sum("part\x00" + part)
	for n := digits; ; n += 2 {
		key := parent + "_" + sum[:n]
		if holder, taken := v.levels[key]; !taken || holder == part || n+2 > len(sum) {
			v.levels[key] = part
			return key
		}
	}
}

func (v *Vault) sum(id string) string {
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}
