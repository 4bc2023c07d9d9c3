package fingerprint

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"regexp/syntax"
	"strconv"
	"strings"

	"vedette/internal/fault"
)

// maxTable bounds the decompressed table: the whole collection is below 2 MB.
const maxTable = 16 << 20

// Parse reads the table that package content embeds: gzip of lines. A line of
// one cell begins a database and is its key; any other is a fingerprint: its
// pattern in RE2's syntax, then cells "group name value" separated by spaces.
// The patterns of a database are read when a text of its kind first comes, since
// all of them take longer than everything else at the start.
func Parse(zipped []byte) (*Set, error) {
	const doing = "reading the table of fingerprints"
	zip, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, doing)
	}
	s := &Set{byKey: map[string]*database{}, recent: map[cacheKey]*Match{}}
	lines := bufio.NewScanner(zip)
	lines.Buffer(nil, 1<<20)
	var d *database
	for read := 0; lines.Scan(); {
		if read += len(lines.Bytes()); read > maxTable {
			return nil, fault.New(fault.Limited, doing+": it is larger than %d MB", maxTable>>20)
		}
		key, params, isPrint := strings.Cut(lines.Text(), "\t")
		if !isPrint {
			if d = s.byKey[key]; d == nil {
				d = &database{key: key}
				s.byKey[key] = d
			}
			continue
		}
		if d == nil {
			return nil, fault.New(fault.Invalid, doing+": a fingerprint before any database")
		}
		d.lines = append(d.lines, [2]string{key, params})
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, doing)
	}
	return s, nil
}

// open reads the lines of the database. One that cannot be read is left out.
func (d *database) open() {
	for _, line := range d.lines {
		if p, err := parsePrint(line[0], line[1]); err == nil {
			d.prints = append(d.prints, p)
		}
	}
	d.index()
}

// Check reads all patterns and returns the first fault.
func (s *Set) Check() error {
	for _, d := range s.byKey {
		for _, line := range d.lines {
			if _, err := parsePrint(line[0], line[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func parsePrint(pattern, params string) (*print, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "reading the fingerprint %q", pattern)
	}
	p := &print{pattern: pattern, needles: needlesOf(tree)}
	for cell := range strings.SplitSeq(params, "\t") {
		if cell == "" {
			continue
		}
		group, rest, _ := strings.Cut(cell, " ")
		name, value, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(group)
		if err != nil || n < 0 || n > 99 || name == "" {
			return nil, fault.New(fault.Invalid, "reading the fingerprint %q: %q is no field", pattern, cell)
		}
		p.params = append(p.params, param{n, name, value})
	}
	return p, nil
}

// index files each print under three letters of its needles that the fewest
// others are filed under, so that a text brings up few candidates.
func (d *database) index() {
	used := map[uint32]int{}
	for _, p := range d.prints {
		for _, n := range p.needles {
			for i := 0; i+3 <= len(n); i++ {
				used[gram(n[i:])]++
			}
		}
	}
	d.grams, d.always = make(map[uint32][]int32), nil
	for at, p := range d.prints {
		best, fewest := uint32(0), 0
		for _, n := range p.needles {
			for i := 0; i+3 <= len(n); i++ {
				if g := gram(n[i:]); fewest == 0 || used[g] < fewest {
					best, fewest = g, used[g]
				}
			}
		}
		at := int32(at)
		if fewest == 0 {
			d.always = append(d.always, at)
			continue
		}
		d.grams[best] = append(d.grams[best], at)
	}
}
