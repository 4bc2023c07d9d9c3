package sigma

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash/crc64"
	"math"
	"time"

	"vedette/internal/detect"
	"vedette/internal/detect/sigma/rule"
	"vedette/internal/detect/sigma/window"
	"vedette/internal/event"
	"vedette/internal/fault"
)

// A snapshot is: magic, version, the newest trusted time, the number of
// correlations; of each its mark, the length of its state and the state as
// package window writes it, with the finding that waits beside a group; last
// the CRC-64 of all before. All little endian. What correlations counted that
// are not in the set any more, or are others now, is left out when it is read.
const (
	snapshotMagic   = "VDSIGMA1"
	snapshotVersion = 1
	snapshotHead    = len(snapshotMagic) + 2 + 8 + 4
	snapshotTail    = 8
	stateHead       = sha256.Size + 4

	// maxSnapshot bounds a snapshot. Groups beyond it, the oldest of each
	// correlation, are not kept, and that is a condition.
	maxSnapshot = 64 << 20
)

// Snapshot implements [detect.Keeper]: what correlations have counted.
func (d *Detector) Snapshot() ([]byte, error) {
	d.take()
	b := append(make([]byte, 0, 1<<12), snapshotMagic...)
	b = binary.LittleEndian.AppendUint16(b, snapshotVersion)
	newest := int64(math.MinInt64)
	if !d.newest.IsZero() {
		newest = d.newest.UnixNano()
	}
	b = binary.LittleEndian.AppendUint64(b, uint64(newest))        //nolint:gosec // G115: the bits are kept
	b = binary.LittleEndian.AppendUint32(b, uint32(len(d.tables))) //nolint:gosec // G115: at most maxRules
	room := maxSnapshot - len(b) - snapshotTail
	d.unkept, d.told = 0, false
	var err error
	for i, t := range d.tables {
		head := len(b)
		b = append(b, d.set.windows[i].mark[:]...)
		b = append(b, 0, 0, 0, 0)
		share := room/(len(d.tables)-i) - stateHead
		var left int
		b, left = t.AppendState(b, share, func(key string) []byte {
			f, ok := d.seeds[i][key]
			if !ok || err != nil {
				return nil
			}
			var data []byte
			data, err = json.Marshal(f)
			return data
		})
		d.unkept += int64(left)
		binary.LittleEndian.PutUint32(b[head+sha256.Size:], uint32(len(b)-head-stateHead)) //nolint:gosec // G115: at most maxSnapshot
		room -= len(b) - head
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a finding that waits")
	}
	return binary.LittleEndian.AppendUint64(b, crc64.Checksum(b, crc64.MakeTable(crc64.ECMA))), nil
}

// Told implements [detect.Teller]: a correlation came true.
func (d *Detector) Told() bool { return d.told }

// Restore implements [detect.Keeper].
func (d *Detector) Restore(data []byte) error {
	d.take()
	d.reset()
	if err := d.restore(data); err != nil {
		d.reset()
		return err
	}
	return nil
}

func damaged(what string) error {
	return fault.New(fault.Invalid, "the snapshot of what correlations counted cannot be read: %s", what).
		WithHint("remove it; correlations then count anew")
}

func (d *Detector) restore(data []byte) error {
	if len(data) < snapshotHead+snapshotTail || !bytes.HasPrefix(data, []byte(snapshotMagic)) {
		return damaged("it is none, or cut off")
	}
	body := data[:len(data)-snapshotTail]
	if crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)) != binary.LittleEndian.Uint64(data[len(body):]) {
		return damaged("its checksum is wrong")
	}
	b := body[len(snapshotMagic):]
	if binary.LittleEndian.Uint16(b) != snapshotVersion {
		return damaged("it is of another version")
	}
	newest := int64(binary.LittleEndian.Uint64(b[2:])) //nolint:gosec // G115: the bits were kept
	count := binary.LittleEndian.Uint32(b[10:])
	b = b[14:]
	at := d.byMark()
	for range count {
		if len(b) < stateHead {
			return damaged("it ends too early")
		}
		mark, n := [sha256.Size]byte(b), binary.LittleEndian.Uint32(b[sha256.Size:])
		if b = b[stateHead:]; uint64(n) > uint64(len(b)) {
			return damaged("it ends too early")
		}
		if i, ok := at[mark]; ok {
			if err := d.restoreTable(i, b[:n]); err != nil {
				return damaged(err.Error())
			}
			delete(at, mark)
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return damaged("there is more than its counts say")
	}
	if newest != math.MinInt64 {
		d.newest = time.Unix(0, newest).UTC()
	}
	return nil
}

// byMark finds the correlations of the set.
func (d *Detector) byMark() map[[sha256.Size]byte]int {
	at := make(map[[sha256.Size]byte]int, len(d.set.windows))
	for i := range d.set.windows {
		at[d.set.windows[i].mark] = i
	}
	return at
}

// restoreTable gives a correlation back what it counted.
func (d *Detector) restoreTable(i int, state []byte) error {
	id := d.set.rules[d.set.windows[i].at].ID
	return d.tables[i].RestoreState(state, func(key string, data []byte) error {
		if len(data) == 0 {
			return nil
		}
		var f event.Finding
		if err := json.Unmarshal(data, &f); err != nil || f.Rule != id {
			return fault.New(fault.Invalid, "a finding that waits is not one of rule %s", id)
		}
		if d.seeds[i] == nil {
			d.seeds[i] = make(map[string]event.Finding)
		}
		d.seeds[i][key] = f
		return nil
	})
}

// reset forgets what was counted.
func (d *Detector) reset() {
	d.tables, d.seeds = make([]*window.Table, len(d.set.windows)), make([]map[string]event.Finding, len(d.set.windows))
	for i := range d.set.windows {
		d.tables[i] = window.New(d.set.windows[i].window, len(d.set.windows[i].inputs))
	}
	d.newest = time.Time{}
}

// markOf tells a correlation from any other, also from the same one before it
// or a rule it is about was changed: what they counted is not the same.
func (c *compiler) markOf(d *Document, w *correlation) [sha256.Size]byte {
	h := sha256.New()
	enc := json.NewEncoder(h)
	_ = enc.Encode([]any{d.ID, d.Name, w.window}) // a hash takes all; what JSON cannot say of a number is left out
	for _, in := range w.inputs {
		r := &c.set.rules[in.rule]
		_ = enc.Encode([]any{r.ID, r.Source})
		if r.Kind == rule.Correlation {
			for i := range c.set.windows {
				if c.set.windows[i].at == in.rule {
					_, _ = h.Write(c.set.windows[i].mark[:])
				}
			}
			continue
		}
		_ = enc.Encode(c.exprs[in.rule])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// digest is a hash of a text that is the same after a restart.
func digest(b []byte) uint64 {
	sum := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(sum[:])
}

var (
	_ detect.Keeper = (*Detector)(nil)
	_ detect.Teller = (*Detector)(nil)
)
