package behave

func (c *codec) level(l *level) {
	c.f64(&l.days)
	c.f64(&l.spans)
	c.f64(&l.surplus)
	shift := float32(l.shift)
	c.f32(&shift)
	l.shift = float64(shift)
}

func (c *codec) stat(s *stat) {
	c.f32(&s.centre)
	c.f32(&s.spread)
	c.f32(&s.peak)
	c.f32(&s.anchor)
	c.f32(&s.anchorPeak)
	c.f32(&s.day)
}

func (c *codec) group(g *group) {
	c.u64(&g.key)
	c.u32(&g.windows)
	c.u32(&g.learnt)
	c.u16(&g.day)
	c.f32s(g.novelty[:])
	for i := range g.stats {
		c.stat(&g.stats[i])
	}
	k := &g.known
	c.u16(&k.hand)
	c.sparse(groupSize, func(i int) bool { return k.prints[i] != 0 }, func(i int) {
		c.u16(&k.prints[i])
		c.u16(&k.shower[i])
	})
}

func (c *codec) profile(p *profile) {
	c.u64(&p.key)
	c.u32(&p.group)
	c.u32(&p.first)
	c.u32(&p.last)
	c.u32(&p.events)
	c.u32(&p.windows)
	c.f32s(p.novelty[:])
	c.u16(&p.since)
	c.u16(&p.anchored)
	c.u8(&p.newToday)
	c.u8(&p.raised)
	c.u16(&p.day)
	for i := range p.stats {
		c.stat(&p.stats[i])
	}
	c.u8(&p.hours.days)
	for h := range 24 {
		c.u8(&p.hours.flows[h])
		c.u8(&p.hours.bytes[h])
	}
	for i := range p.beacon {
		b := &p.beacon[i]
		if c.u16(&b.calls); b.calls > 0 {
			c.u32(&b.key)
			c.u32(&b.last)
			c.f32(&b.mean)
			c.f32(&b.distance)
		}
	}
	c.u32(&p.spanAt)
	c.f32(&p.spanMax)
	c.u32(&p.toldAt)
	c.f32(&p.toldMax)
	k := &p.known
	c.sparse(setSize, func(i int) bool { return k.prints[i] != 0 }, func(i int) {
		c.u16(&k.prints[i])
		c.u8(&k.states[i])
	})
}

func (c *codec) series(s *series) {
	c.u64(&s.key)
	c.i64(&s.at)
	c.u32(&s.samples)
	c.u32(&s.learnt)
	n := uint8(len(s.tags)) //nolint:gosec // G115: at most maxTags
	if c.u8(&n); n > maxTags {
		c.bad = true
		return
	}
	if !c.write {
		s.tags, s.cov = make([]tag, n), make([]float32, int(n)*(int(n)+1)/2)
	}
	for i := range s.tags {
		c.tag(&s.tags[i])
	}
	c.readings(s.cov, mostSquare)
	c.u16(&s.have)
	if c.u8(&s.odd); s.odd >= max(n, 1) {
		c.bad = true
		return
	}
	usual := [1]float32{s.oddUsual}
	c.readings(usual[:], mostValue)
	s.oddUsual = usual[0]
	c.f32(&s.apart)
	c.f32(&s.most)
	c.f32(&s.toldMax)
	c.u32(&s.toldAt)
	c.u16(&s.day)
}

func (c *codec) tag(t *tag) {
	c.u32(&t.name)
	c.u16(&t.flat)
	c.u16(&t.flatMost)
	c.u16(&t.held)
	for _, v := range [...]*float32{&t.now, &t.before, &t.low, &t.high, &t.step, &t.fast, &t.slow, &t.mean, &t.recent, &t.block} {
		c.reading(v, mostValue)
	}
	c.readings(t.last[:], mostValue)
	c.reading(&t.wander, mostSquare)
	c.reading(&t.wanderFar, mostSquare)
}

// sparse visits the used places of a set: how many, then each with its place.
func (c *codec) sparse(size int, used func(int) bool, visit func(int)) {
	var count uint16
	if c.write {
		for i := range size {
			if used(i) {
				count++
			}
		}
	}
	c.u16(&count)
	if int(count) > size {
		c.bad = true
		return
	}
	at := 0
	for range count {
		if c.write {
			for !used(at) {
				at++
			}
		}
		place := uint16(at)
		if c.u16(&place); c.bad || int(place) >= size || !c.write && int(place) < at {
			c.bad = true
			return
		}
		visit(int(place))
		at = int(place) + 1
	}
}
