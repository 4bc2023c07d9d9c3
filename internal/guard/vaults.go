package guard

import (
	"crypto/rand"
	"sync"
	"time"

	"vedette/internal/fault"
)

// VaultsConfig is what [NewVaults] takes.
type VaultsConfig struct {
	// Make makes a vault for a key, with the catalogue of the site as it is now. It
	// must be safe for concurrent use.
	Make func(key []byte) (Vault, error)
	// Version changes when the catalogue does; a vault of an older one is made
	// anew with the key of its conversation, so that its pseudonyms stay. nil:
	// the catalogue never changes.
	Version func() uint64
	// TTL is how long a conversation that rests keeps its pseudonyms.
	TTL time.Duration
	// Max bounds the conversations; the one that rested longest is forgotten.
	Max int
	Now func() time.Time
}

// ConversationVaults keeps a key and a vault for each conversation, in memory
// alone. A forgotten conversation begins with a new key: its old pseudonyms can
// be restored by nobody.
type ConversationVaults struct {
	cfg VaultsConfig
	mu  sync.Mutex
	by  map[string]*kept
}

// kept is one conversation's vault. Its own lock is taken after that of the map,
// never before.
type kept struct {
	mu      sync.Mutex
	key     []byte
	vault   Vault
	version uint64
	used    time.Time
}

// NewVaults makes the vaults of conversations.
func NewVaults(cfg VaultsConfig) *ConversationVaults {
	if cfg.TTL <= 0 {
		cfg.TTL = time.Hour
	}
	if cfg.Max <= 0 {
		cfg.Max = 1000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &ConversationVaults{cfg: cfg, by: map[string]*kept{}}
}

// Vault implements [Vaults]. A call without a conversation has a vault of its
// own.
func (c *ConversationVaults) Vault(conversation string) (Vault, error) {
	k := c.find(conversation)
	version := uint64(0)
	if c.cfg.Version != nil {
		version = c.cfg.Version()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.vault == nil || k.version != version {
		v, err := c.cfg.Make(k.key)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "making the pseudonyms of a conversation")
		}
		k.vault, k.version = v, version
	}
	return k.vault, nil
}

func (c *ConversationVaults) find(conversation string) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	for id, k := range c.by {
		if now.Sub(k.used) > c.cfg.TTL {
			delete(c.by, id)
		}
	}
	if k := c.by[conversation]; k != nil {
		k.used = now
		return k
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	k := &kept{key: key, used: now}
	if conversation == "" {
		return k
	}
	if len(c.by) >= c.cfg.Max {
		oldest := ""
		for id, o := range c.by {
			if oldest == "" || o.used.Before(c.by[oldest].used) {
				oldest = id
			}
		}
		delete(c.by, oldest)
	}
	c.by[conversation] = k
	return k
}
