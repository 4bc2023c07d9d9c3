package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Catalogue is what the product knows of a site, by the type of the value.
type Catalogue struct {
	Hosts, Addresses, Serials, Users, Tags, Sites []string
}

// Vault gives the values of one conversation pseudonyms and takes them back.
// It is not safe for concurrent use.
type Vault struct {
	key   []byte
	token map[string]string // type NUL value → token
	value map[string]string // token → value
	known []entry
}

type entry struct{ kind, value string }

// NewVault returns an empty vault. The key is of one conversation.
func NewVault(key []byte, c Catalogue) *Vault {
	v := &Vault{key: slices.Clone(key), token: map[string]string{}, value: map[string]string{}}
	for kind, list := range map[string][]string{"HOST": c.Hosts, "IP": c.Addresses, "SERIAL": c.Serials, "USER": c.Users, "TAG": c.Tags, "SITE": c.Sites} {
		for _, s := range list {
			v.known = append(v.known, entry{kind, s})
		}
	}
	return v
}

// Hide returns value with pseudonyms. An empty field means free text.
func (v *Vault) Hide(field, value string) string {
	for _, k := range v.known {
		value = strings.ReplaceAll(value, k.value, v.issue(k.kind, k.value))
	}
	var b strings.Builder
	at := 0
	for _, s := range Find(value) {
		b.WriteString(value[at:s.Start])
		b.WriteString(v.issue(s.Type, value[s.Start:s.End]))
		at = s.End
	}
	b.WriteString(value[at:])
	return b.String()
}

func (v *Vault) issue(kind, value string) string {
	id := kind + "\x00" + value
	if t, ok := v.token[id]; ok {
		return t
	}
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(id))
	sum := hex.EncodeToString(mac.Sum(nil))
	for n := 4; ; n++ {
		t := kind + "_" + sum[:n]
		if _, taken := v.value[t]; !taken {
			v.token[id], v.value[t] = t, value
			return t
		}
	}
}

// Restore puts the values back that this vault issued tokens for.
func (v *Vault) Restore(text string) string {
	for t, s := range v.value {
		text = strings.ReplaceAll(text, t, s)
	}
	return text
}

// Leaks returns the types of the originals that stand in out.
func (v *Vault) Leaks(out []byte) []string {
	var kinds []string
	for _, k := range v.known {
		if strings.Contains(string(out), k.value) && !slices.Contains(kinds, k.kind) {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}
