package behave

// The states of a thing in a device's set. The lower six bits of the state
// byte are the day it was first met, modulo 64.
const (
	stateKnown     = 1 << 6 // learnt
	stateProbation = 2 << 6 // unusual when it was met: known if nothing is flagged in probationDays
	stateFlagged   = 3 << 6 // part of what was flagged: never learnt
	stateMask      = 3 << 6
	dayMask        = 1<<6 - 1
	probationDays  = 7
)

const (
	setSize = 128
	setWays = 8
)

// set is what a device is known to do: fingerprints of 16 bits in buckets of
// eight. A full bucket forgets its oldest known thing. The chance that a new
// thing is taken for a known one is at most 8 in 65 536.
type set struct {
	prints [setSize]uint16
	states [setSize]uint8
}

// split is the bucket and the fingerprint of a thing. Kinds of which a device
// may meet any number have the first five eighths of the buckets, so that they
// never push out the others.
func split(k kind, h uint64, buckets int) (bucket int, print uint16) {
	print = uint16(h >> 48)
	if print == 0 {
		print = 1
	}
	many := buckets * 5 / 8
	switch k {
	case kindPeer, kindName, kindTopic, kindObject, kindWrite:
		return int(h % uint64(many)), print //nolint:gosec // G115: small and positive
	case kindService, kindPort, kindFunction, kindFailure:
	}
	return many + int(h%uint64(buckets-many)), print //nolint:gosec // G115: small and positive
}

// find returns the place of a thing, or -1.
func (s *set) find(k kind, h uint64) int {
	b, fp := split(k, h, setSize/setWays)
	for i := b * setWays; i < (b+1)*setWays; i++ {
		if s.prints[i] == fp {
			return i
		}
	}
	return -1
}

// add puts a new thing in.
func (s *set) add(k kind, h uint64, state uint8, day int64) {
	b, fp := split(k, h, setSize/setWays)
	today := uint8(day & dayMask)
	victim, oldest := b*setWays, -dayMask-2
	for i := b * setWays; i < (b+1)*setWays; i++ {
		if s.prints[i] == 0 {
			victim = i
			break
		}
		age := int((today - s.states[i]) & dayMask)
		if s.states[i]&stateMask == stateFlagged {
			age -= dayMask + 1
		}
		if age > oldest {
			victim, oldest = i, age
		}
	}
	s.prints[victim], s.states[victim] = fp, state|today
}

// known reports whether the thing at this place is learnt; probation that has
// passed ends here.
func (s *set) known(i int, day int64) bool {
	switch st := s.states[i]; st & stateMask {
	case stateKnown:
		return true
	case stateProbation:
		if (uint8(day&dayMask)-st)&dayMask >= probationDays {
			s.states[i] = stateKnown | st&dayMask
			return true
		}
	}
	return false
}

func (s *set) size() int {
	n := 0
	for _, fp := range s.prints {
		if fp != 0 {
			n++
		}
	}
	return n
}

const (
	groupSize = 2048
	groupWays = 8
	shared    = 0xffff // shown by more than one device
)

// groupSet is what the devices of a group do. A thing counts when two devices
// have shown it, so that one device alone teaches its group nothing.
type groupSet struct {
	prints [groupSize]uint16
	shower [groupSize]uint16 // the one device that showed it, or shared
	hand   uint16
}

func (s *groupSet) known(k kind, h uint64) bool {
	b, fp := split(k, h, groupSize/groupWays)
	for i := b * groupWays; i < (b+1)*groupWays; i++ {
		if s.prints[i] == fp {
			return s.shower[i] == shared
		}
	}
	return false
}

func (s *groupSet) add(k kind, h, device uint64) {
	b, fp := split(k, h, groupSize/groupWays)
	who := uint16(device>>40) &^ 1 //nolint:gosec // G115: sixteen bits of a hash; even, so never shared
	free := -1
	for i := b * groupWays; i < (b+1)*groupWays; i++ {
		switch {
		case s.prints[i] == fp:
			if s.shower[i] != who {
				s.shower[i] = shared
			}
			return
		case s.prints[i] == 0 && free < 0:
			free = i
		}
	}
	if free < 0 {
		s.hand++
		free = b*groupWays + int(s.hand)%groupWays
	}
	s.prints[free], s.shower[free] = fp, who
}
