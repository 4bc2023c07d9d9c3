package wire

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"

	"vedette/internal/fault"
)

// Key is the key of an endpoint. However it is printed, logged or encoded, it
// shows nothing of itself.
type Key string

const (
	hidden    = "[key]"
	maxKey    = 4096
	shortFrom = 6 // a shorter key is not looked for in an endpoint's words
)

// String hides the key.
func (k Key) String() string { return hidden }

// GoString hides the key.
func (k Key) GoString() string { return hidden }

// LogValue hides the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the key.
func (k Key) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// MarshalText hides the key.
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// ReadKey reads a key from a file of one line; no file means no key.
func ReadKey(path string) (Key, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path) //nolint:gosec // G304: the configuration names this file
	if err != nil {
		return "", fault.Wrap(fault.NotFound, err, "reading the key of a model from %s", path).WithHint("make a file with the key alone in it, readable by this user only")
	}
	defer f.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "reading the key of a model from %s", path)
	}
	key := strings.TrimSpace(string(raw))
	odd := strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' })
	if key == "" || len(raw) > maxKey || odd {
		return "", fault.New(fault.Invalid, "the file %s holds no key", path).WithHint("put the key alone on one line; it is printable ASCII without spaces")
	}
	return Key(key), nil
}

// hide takes the key out of a text.
func (k Key) hide(text string) string {
	if len(k) < shortFrom {
		return text
	}
	return strings.ReplaceAll(text, string(k), hidden)
}
