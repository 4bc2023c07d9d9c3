package broker

import (
	"crypto/pbkdf2"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hashed is a password as mosquitto_passwd writes it.
func hashed(password string) string {
	salt := []byte("salt of twelve")[:12]
	sum, err := pbkdf2.Key(sha512.New, password, salt, 101, sha512.Size)
	if err != nil {
		return ""
	}
	return "$7$101$" + base64.StdEncoding.EncodeToString(salt) + "$" + base64.StdEncoding.EncodeToString(sum)
}

func TestMosquittoPasswd(t *testing.T) {
	path, err := exec.LookPath("mosquitto_passwd")
	if err != nil {
		t.Skip("mosquitto_passwd is not installed: apt install mosquitto")
	}
	file := filepath.Join(t.TempDir(), "passwd")
	if out, err := exec.CommandContext(t.Context(), path, "-b", "-c", file, "pump-3", "a secret").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
	h, ok := parseHash(text)
	if !ok || !h.is([]byte("a secret")) || h.is([]byte("a secret ")) || h.is(nil) {
		t.Errorf("%q does not work", text)
	}
}

// FuzzHash: no text that is not a hash is taken for one, and none costs more than
// allowed.
func FuzzHash(f *testing.F) {
	f.Add(hashed("x"))
	f.Add("$7$999999999$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := parseHash(text)
		if ok && (h.iterations < 1 || h.iterations > maxIterations || len(h.sum) != sha512.Size || len(h.salt) < 8) {
			t.Fatalf("%q gives %+v", text, h)
		}
	})
}

// FuzzCovers: what a filter covers, a topic of it is covered too.
func FuzzCovers(f *testing.F) {
	f.Add("a/+/#", "a/b/#", "a/b/c")
	f.Add("#", "+/+", "x/y")
	f.Fuzz(func(t *testing.T, allowed, asked, topic string) {
		if strings.ContainsAny(topic, "+#") || topic == "" {
			return
		}
		if covers(allowed, asked) && covers(asked, topic) && !covers(allowed, topic) {
			t.Fatalf("%q covers %q, which has %q", allowed, asked, topic)
		}
	})
}
