package broker

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"vedette/internal/fault"
	"vedette/internal/ingest/mqtt"
)

// User is somebody who may connect, and what they may publish and subscribe to:
// filters of topics, in which {user} is their name.
type User struct {
	Name      string   `yaml:"name"`
	Password  string   `yaml:"password"` // as mosquitto_passwd writes it: $7$ITERATIONS$SALT$HASH
	Publish   []string `yaml:"publish"`
	Subscribe []string `yaml:"subscribe"`

	hash hash
}

// The bounds of a file of users.
const (
	maxUsersFile  = 16 << 20
	maxIterations = 1_000_000
)

// ReadUsers reads a YAML file with a list of users.
func ReadUsers(in io.Reader) ([]User, error) {
	b, err := io.ReadAll(io.LimitReader(in, maxUsersFile+1))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the users of a broker")
	}
	if len(b) > maxUsersFile {
		return nil, fault.New(fault.Limited, "a file of users of more than %d MiB", maxUsersFile>>20)
	}
	var file struct {
		Users []User `yaml:"users"`
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	dec.KnownFields(true)
	if err := dec.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.Wrap(fault.Invalid, err, "reading the users of a broker: %v", err).WithHint("see docs/sources.md for its form")
	}
	if len(file.Users) == 0 {
		return nil, fault.New(fault.Invalid, "the file of users of a broker names none")
	}
	return file.Users, checkUsers(file.Users)
}

// checkUsers makes users ready, with {user} put in.
func checkUsers(users []User) error {
	known := map[string]bool{}
	for i := range users {
		u := &users[i]
		if u.Name == "" || strings.ContainsAny(u.Name, "/+#\x00") || known[u.Name] {
			return fault.New(fault.Invalid, "user %d of a broker: the name %.80q is empty, there twice or has /, + or #", i+1, u.Name)
		}
		known[u.Name] = true
		var ok bool
		if u.hash, ok = parseHash(u.Password); !ok {
			return fault.New(fault.Invalid, "the password of the user %.80q of a broker is not hashed as it must be", u.Name).WithHint("mosquitto_passwd -c FILE %s writes $7$... into FILE", u.Name)
		}
		for _, list := range [][]string{u.Publish, u.Subscribe} {
			for j, f := range list {
				list[j] = strings.ReplaceAll(f, "{user}", u.Name)
				if err := mqtt.CheckFilter(list[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// hash is that of a password: PBKDF2 with SHA-512.
type hash struct {
	iterations int
	salt, sum  []byte
}

func parseHash(text string) (h hash, ok bool) {
	part := strings.Split(text, "$")
	if len(part) != 5 || part[0] != "" || part[1] != "7" {
		return h, false
	}
	n, err := strconv.Atoi(part[2])
	salt, err2 := base64.StdEncoding.DecodeString(part[3])
	sum, err3 := base64.StdEncoding.DecodeString(part[4])
	if errors.Join(err, err2, err3) != nil || n < 1 || n > maxIterations || len(salt) < 8 || len(salt) > 64 || len(sum) != sha512.Size {
		return h, false
	}
	return hash{n, salt, sum}, true
}

// is reports whether a password has this hash.
func (h hash) is(password []byte) bool {
	sum, err := pbkdf2.Key(sha512.New, string(password), h.salt, h.iterations, sha512.Size)
	return err == nil && subtle.ConstantTimeCompare(sum, h.sum) == 1
}

// covers reports whether all topics of a filter are among those of another; a
// topic is a filter of itself.
func covers(allowed, asked string) bool {
	if strings.HasPrefix(asked, "$") && !strings.HasPrefix(allowed, "$") {
		return false
	}
	a, b := strings.Split(allowed, "/"), strings.Split(asked, "/")
	for i, l := range a {
		switch {
		case l == "#":
			return true
		case i >= len(b), b[i] == "#", l != "+" && l != b[i]:
			return false
		}
	}
	return len(a) == len(b)
}
