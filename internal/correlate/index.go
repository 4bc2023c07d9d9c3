package correlate

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"vedette/internal/correlate/sketch"
	"vedette/internal/fault"
)

// maxPosts is how many incidents an entity leads to: the ones it was in last.
const maxPosts = 8

// entity is what is known of one entity over all incidents.
type entity struct {
	peers sketch.Distinct // whom it was met with
	hub   int             // peers as of an earlier run
	posts []post          // where it was met, newest last
	last  time.Time
	met   uint32
	jumps uint8 // back in time by more than the window, of late
}

// unsteady is how many jumps make a clock that is not believed.
const unsteady = 8

// post is the part of an entity in a strand.
type post struct {
	s     *strand
	roles roles
	n     int64 // findings
}

// degree is with how many others it was met.
func (e *entity) degree() int { return max(e.peers.Count(), e.hub) }

// note says that the entity was in a finding of s.
func (e *entity) note(s *strand, r roles) {
	for i := range e.posts {
		if p := &e.posts[i]; p.s == s {
			p.roles |= r
			p.n++
			if last := len(e.posts) - 1; i != last {
				e.posts[i], e.posts[last] = e.posts[last], e.posts[i]
			}
			return
		}
	}
	if len(e.posts) == maxPosts {
		copy(e.posts, e.posts[1:])
		e.posts[maxPosts-1] = post{s, r, 1}
		return
	}
	e.posts = append(e.posts, post{s, r, 1})
}

// settle lets the posts lead to what took the place of strands that are gone.
func (e *entity) settle() {
	for i := 0; i < len(e.posts); i++ {
		p := &e.posts[i]
		if p.s.gone == nil {
			continue
		}
		for p.s.gone != nil {
			p.s = p.s.gone
		}
		for j := range i {
			if q := &e.posts[j]; q.s == p.s {
				q.n, q.roles = q.n+p.n, q.roles|p.roles
				e.posts = append(e.posts[:i], e.posts[i+1:]...)
				i--
				break
			}
		}
	}
}

// index finds entities. It holds at most twice half of its bound: when the
// young half is full, the old one, which was not asked for since, is forgotten.
type index struct {
	young, old map[key]*entity
	half       int
	forgotten  int64
}

func newIndex(bound int) *index {
	return &index{young: make(map[key]*entity), old: make(map[key]*entity), half: max(bound/2, 1)}
}

func (x *index) get(k key) *entity {
	if e := x.young[k]; e != nil {
		return e
	}
	e := x.old[k]
	if e == nil {
		e = new(entity)
	} else {
		delete(x.old, k)
	}
	x.put(k, e)
	return e
}

func (x *index) put(k key, e *entity) {
	if len(x.young) >= x.half {
		x.forgotten += int64(len(x.old))
		x.old = x.young
		x.young = make(map[key]*entity)
	}
	x.young[k] = e
}

// seenChunk is how many uids are kept in one record.
const seenChunk = 4096

// maxSeen is how many chunks are kept.
const maxSeen = 256

// Remembered is how many findings that were added are told from new ones: the
// newest.
const Remembered = maxSeen * seenChunk

// seen remembers the findings that were added, the newest maxSeen*seenChunk.
type seen struct {
	at     map[uint64]uint32 // hash of the uid -> number of the strand, 0: suppressed
	chunks [][]uint64        // a ring
	turn   []int64           // of each chunk: when it was begun
	next   int               // chunk that is written to, the one with the last turn
	dirty  map[int]bool
}

func newSeen() *seen { return &seen{at: make(map[uint64]uint32), dirty: make(map[int]bool)} }

func (s *seen) add(h uint64, num uint32) {
	if len(s.chunks) == 0 {
		s.grow(1)
		s.turn[0] = 1
	}
	if len(s.chunks[s.next]) >= seenChunk {
		turn := s.turn[s.next] + 1
		s.next = (s.next + 1) % maxSeen
		s.grow(s.next + 1)
		s.turn[s.next] = turn
		for _, old := range s.chunks[s.next] {
			delete(s.at, old)
		}
		s.chunks[s.next] = s.chunks[s.next][:0]
	}
	s.chunks[s.next] = append(s.chunks[s.next], h)
	s.dirty[s.next] = true
	s.at[h] = num
}

func (s *seen) grow(n int) {
	for len(s.chunks) < n {
		s.chunks = append(s.chunks, nil)
		s.turn = append(s.turn, 0)
	}
}

// savedChunk keeps uids of findings that were added, and where they went.
type savedChunk struct {
	Version int      `json:"v"`
	Turn    int64    `json:"turn"` // the last one is written to
	Hashes  []byte   `json:"hashes"`
	Nums    []uint32 `json:"nums"`
}

func (c *Correlator) chunk(i int) savedChunk {
	hashes := c.seen.chunks[i]
	s := savedChunk{Version: recordVersion, Turn: c.seen.turn[i], Hashes: make([]byte, 0, 8*len(hashes)), Nums: make([]uint32, 0, len(hashes))}
	for _, h := range hashes {
		s.Hashes = binary.BigEndian.AppendUint64(s.Hashes, h)
		s.Nums = append(s.Nums, c.seen.at[h])
	}
	return s
}

func (c *Correlator) restoreChunk(r Record) *fault.Error {
	var s savedChunk
	if err := decode(r, &s, &s.Version); err != nil {
		return err
	}
	i, err := strconv.Atoi(strings.TrimPrefix(r.ID, chunkID))
	if err != nil || i < 0 || i >= maxSeen || len(s.Hashes) != 8*len(s.Nums) || len(s.Nums) > seenChunk {
		return fault.New(fault.Invalid, "it is no list of findings")
	}
	c.seen.grow(i + 1)
	for j, num := range s.Nums {
		h := binary.BigEndian.Uint64(s.Hashes[8*j:])
		if _, twice := c.seen.at[h]; !twice {
			c.seen.chunks[i] = append(c.seen.chunks[i], h)
			c.seen.at[h] = num
		}
	}
	if c.seen.turn[i] = s.Turn; s.Turn > c.seen.turn[c.seen.next] {
		c.seen.next = i
	}
	return nil
}

// hubs are the entities that were met with most others.
func (x *index) hubs() []savedHub {
	var all []savedHub
	for _, half := range []map[key]*entity{x.young, x.old} {
		for k, e := range half {
			if n := e.degree(); n > hubFrom {
				all = append(all, savedHub{k.kind, k.value, n})
			}
		}
	}
	slices.SortFunc(all, func(a, b savedHub) int {
		return cmp.Or(cmp.Compare(b.Peers, a.Peers), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value))
	})
	return all[:min(len(all), maxHubs)]
}
