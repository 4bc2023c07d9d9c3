package match

import (
	"path"
	"strings"

	"vedette/internal/vuln/advisory"
)

// Keys gives the keys by which the products of an advisory are found, as
// [Index.MatchNoting] notes them, each once. One that begins with * is a pattern
// of order numbers, which [Matches] holds against a key.
func Keys(a *advisory.Advisory) []string {
	if a == nil || a.Kind == advisory.KEV || a.Kind == advisory.EPSS {
		return nil
	}
	seen := map[string]bool{}
	var out []string
	for i := range a.Products {
		n := prepare(a.Products[i].Name, vendorWords(a.Products[i].Vendor))
		put := func(table byte, key string) {
			if key = string(table) + key; !seen[key] {
				seen[key] = true
				out = append(out, key)
			}
		}
		productKeys(&a.Products[i], &n, put)
		platformKeys(a, i, put)
	}
	return out
}

// Pattern tells whether a key is a pattern of order numbers.
func Pattern(key string) bool { return strings.HasPrefix(key, string(tableWild)) }

// Matches tells whether a key that was noted is one that a pattern means.
func Matches(pattern, key string) bool {
	if !Pattern(pattern) || !strings.HasPrefix(key, string(tableModel)) {
		return false
	}
	ok, err := path.Match(pattern[1:], key[1:])
	return err == nil && ok
}

// NameKey is a name without case, spaces and punctuation: equal for what is the
// same name.
func NameKey(text string) string { return squash(words(text)) }
