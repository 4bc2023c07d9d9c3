package behave

func (c *codec) level(l *level) {
	c.f64(&l.days)
	c.f64(&l.spans)
	c.f64(&l.surplus)
	shift := float32(l.shift)
	c.f32(&shift)
	l.shift = float64(shift)
}

func (c *codec) covers(v *covers) {
	for i := range v {
		c.i64(&v[i].first)
		c.i64(&v[i].newest)
		c.i64(&v[i].minutes)
	}
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
	for i := range p.covered.since {
		c.u32(&p.covered.since[i])
	}
	c.u16(&p.covered.otWindows)
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
	c.list8(len(s.places), maxPlaces, func(n int) { s.places = make([][]float32, n) }, func(i int) {
		c.list8(len(s.places[i]), maxTags, func(n int) { s.places[i] = make([]float32, n) }, func(j int) { c.reading(&s.places[i][j], mostValue) })
	})
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

// words visits what findings were of, the oldest first, and what of it persons
// accepted.
func (d *Detector) words(c *codec) {
	told := &d.open.told
	c.list16(len(told.all), maxDeeds, func(n int) { told.all = make([]deed, n) }, func(i int) {
		c.deed(&told.all[(told.hand+i)%len(told.all)])
	})
	c.list16(len(d.accepted), maxAccepted, func(n int) { d.accepted = make([]accepted, n) }, func(i int) { c.accepted(&d.accepted[i]) })
}

func (c *codec) deed(d *deed) {
	c.u64(&d.device)
	r := uint8(d.rule)
	if c.u8(&r); r > uint8(ruleTeleResidual) {
		c.bad = true
		return
	}
	d.rule = rule(r)
	c.i64(&d.first)
	c.i64(&d.last)
	c.things(&d.things)
	c.f32s(d.most[:])
	c.extents(&d.readings)
}

func (c *codec) accepted(a *accepted) {
	c.u64(&a.word)
	c.u64(&a.device)
	c.things(&a.things)
	if !c.write {
		a.states = make([]uint8, len(a.things))
	}
	for i := range a.states {
		c.u8(&a.states[i])
	}
	c.u8(&a.most)
	for m := range a.stats {
		if a.most&(1<<m) != 0 {
			c.stat(&a.stats[m])
		}
	}
	if c.u8(&a.hour); a.hour > 23 {
		c.bad = true
		return
	}
	c.u8(&a.flows)
	c.u8(&a.bytes)
	c.extents(&a.tags)
	c.list8(len(a.level), maxTags, func(n int) { a.level = make([]float32, n) }, func(i int) { c.reading(&a.level[i], mostValue) })
	stepped := uint8(0)
	if a.stepped {
		stepped = 1
	}
	c.u8(&stepped)
	a.stepped = stepped != 0
}

func (c *codec) things(list *[]thing) {
	c.list8(len(*list), deedThings, func(n int) { *list = make([]thing, n) }, func(i int) {
		t := &(*list)[i]
		k := uint8(t.kind)
		if c.u8(&k); k >= numKinds {
			c.bad = true
			return
		}
		t.kind = kind(k)
		c.u64(&t.hash)
	})
}

func (c *codec) extents(list *[]extent) {
	c.list8(len(*list), maxTags, func(n int) { *list = make([]extent, n) }, func(i int) {
		e := &(*list)[i]
		for _, v := range [...]*float32{&e.low, &e.high, &e.step, &e.level} {
			c.reading(v, mostValue)
		}
		c.u16(&e.flat)
	})
}

// list8 visits a list of at most 255, list16 one of at most 65 535: how many,
// and each. Reading, room makes the list.
func (c *codec) list8(n, most int, room func(int), visit func(int)) {
	count := uint8(n) //nolint:gosec // G115: at most most
	c.u8(&count)
	c.list(int(count), most, room, visit)
}

func (c *codec) list16(n, most int, room func(int), visit func(int)) {
	count := uint16(n) //nolint:gosec // G115: at most most
	c.u16(&count)
	c.list(int(count), most, room, visit)
}

func (c *codec) list(n, most int, room func(int), visit func(int)) {
	if n > most {
		c.bad = true
	}
	if c.bad || n == 0 {
		return
	}
	if !c.write {
		room(n)
	}
	for i := 0; i < n && !c.bad; i++ {
		visit(i)
	}
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
