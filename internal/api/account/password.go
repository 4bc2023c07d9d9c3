package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"vedette/internal/fault"
)

// The cost of a password's hash, and how many are made at once: sign-ins cannot
// take more than hashing × hashMemory of memory, whoever floods them.
const (
	hashTime    = 3
	hashMemory  = 32 << 10 // KiB
	hashThreads = 1
	hashBytes   = 32
	saltBytes   = 16
	hashing     = 2
	waiting     = 32

	minPassword = 12
	maxPassword = 512
)

type hasher struct {
	turn  chan struct{}
	queue chan struct{}
}

func newHasher() *hasher {
	return &hasher{turn: make(chan struct{}, hashing), queue: make(chan struct{}, waiting)}
}

// enter waits for its turn; what is beyond the queue is refused at once.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.queue <- struct{}{}:
	default:
		return nil, fault.New(fault.Limited, "too many sign-ins at once").WithHint("try again in a few seconds")
	}
	defer func() { <-h.queue }()
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "waiting for a sign-in")
	}
}

func (h *hasher) make(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // it never fails
	sum := argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashTime, hashThreads, b64(salt), b64(sum)), nil
}

// noHash is compared with when there is no account, so that the answer takes
// as long as with one.
const noHash = "$argon2id$v=19$m=32768,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func (h *hasher) same(ctx context.Context, kept, password string) (bool, error) {
	if kept == "" || len(password) > maxPassword {
		kept, password = noHash, ""
	}
	p, ok := parseHash(kept)
	if !ok {
		return false, fault.New(fault.Internal, "reading the kept hash of a password").WithHint("set a new password with: vedette user link NAME")
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.sum))) //nolint:gosec // G115: parseHash bounds it
	return subtle.ConstantTimeCompare(got, p.sum) == 1 && kept != noHash, nil
}

type kept struct {
	time, memory uint32
	threads      uint8
	salt, sum    []byte
}

// parseHash reads a kept hash. Costs beyond what we would ever write are
// refused: the records may come from elsewhere.
func parseHash(text string) (k kept, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return k, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &k.memory, &k.time, &k.threads); n != 3 || err != nil {
		return k, false
	}
	var err1, err2 error
	k.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	k.sum, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	return k, err1 == nil && err2 == nil && k.memory >= 8 && k.memory <= 256<<10 && k.time >= 1 && k.time <= 16 &&
		k.threads >= 1 && k.threads <= 8 && len(k.salt) >= 8 && len(k.salt) <= 64 && len(k.sum) >= 16 && len(k.sum) <= 64
}

// goodPassword asks for length and nothing else: rules about signs make people
// write passwords down.
func goodPassword(name, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || strings.ContainsRune(password, 0):
		return fault.New(fault.Invalid, "the password is no text")
	case n < minPassword:
		return fault.New(fault.Invalid, "the password has %d characters", n).WithHint("take at least %d, such as four words", minPassword)
	case len(password) > maxPassword:
		return fault.New(fault.Invalid, "the password is longer than %d bytes", maxPassword)
	case name != "" && strings.Contains(strings.ToLower(password), name) && n < 2*len(name):
		return fault.New(fault.Invalid, "the password is hardly more than the account's name").WithHint("take four words that have nothing to do with it")
	case strings.Count(password, password[:1]) == len(password):
		return fault.New(fault.Invalid, "the password is one sign again and again").WithHint("take four words")
	}
	return nil
}
