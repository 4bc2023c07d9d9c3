package ics

// maxPairs is how many requests without an answer are remembered.
const maxPairs = 256

// Pairs remembers what was asked until it is answered. When too much is
// unanswered the oldest is forgotten. The zero value is empty.
type Pairs[K comparable, V any] struct {
	asked map[K]V
	order []K
}

// Put remembers a request.
func (p *Pairs[K, V]) Put(k K, v V) {
	if p.asked == nil {
		p.asked = make(map[K]V)
	}
	if _, again := p.asked[k]; !again {
		p.order = append(p.order, k)
	}
	p.asked[k] = v
	for len(p.asked) > maxPairs || len(p.order) > 2*maxPairs {
		delete(p.asked, p.order[0])
		p.order = append(p.order[:0], p.order[1:]...)
	}
}

// Take returns the request and forgets it.
func (p *Pairs[K, V]) Take(k K) (V, bool) {
	v, ok := p.asked[k]
	if ok {
		delete(p.asked, k)
		p.dropOrder(k)
	}
	return v, ok
}

// Get returns the request and keeps it.
func (p *Pairs[K, V]) Get(k K) (V, bool) {
	v, ok := p.asked[k]
	return v, ok
}

func (p *Pairs[K, V]) dropOrder(k K) {
	for i := range p.order {
		if p.order[i] == k {
			p.order = append(p.order[:i], p.order[i+1:]...)
			return
		}
	}
}
