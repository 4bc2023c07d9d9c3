package pull

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Year tells of one year how many documents a provider lists and how many of them
// were taken in.
type Year struct {
	Year   string `json:"year"`
	Listed int    `json:"listed"`
	Taken  int    `json:"taken"`
}

// standsAfter is how long the newest date of a source may stand still, unless the
// source says otherwise.
const standsAfter = 60 * 24 * time.Hour

// maxYears bounds the years that are told: the newest.
const maxYears = 40

var yearPart = regexp.MustCompile(`(?:^|/)((?:19|20)[0-9]{2})/|[-_]((?:19|20)[0-9]{2})[-_]`)

// yearOf is the year that a document is filed under, else that of its last change.
func yearOf(it item) string {
	path := it.url
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(rest, "/")
	}
	if m := yearPart.FindStringSubmatch(path); m != nil {
		return m[1] + m[2]
	}
	if len(it.updated) >= 4 && strings.Trim(it.updated[:4], "0123456789") == "" {
		return it.updated[:4]
	}
	return "?"
}

// count tells how complete what was taken is, by year, newest first.
func count(items []item, seen map[string]string) []Year {
	byYear := map[string]*Year{}
	told := map[string]bool{}
	for _, it := range items {
		if told[it.url] {
			continue
		}
		told[it.url] = true
		y := byYear[yearOf(it)]
		if y == nil {
			y = &Year{Year: yearOf(it)}
			byYear[y.Year] = y
		}
		y.Listed++
		if _, ok := seen[it.url]; ok {
			y.Taken++
		}
	}
	out := make([]Year, 0, len(byYear))
	for _, y := range byYear {
		out = append(out, *y)
	}
	slices.SortFunc(out, func(a, b Year) int { return strings.Compare(b.Year, a.Year) })
	return out[:min(len(out), maxYears)]
}

// newest notes the newest date that a source shows.
func (s *state) newest(at, now time.Time) {
	at = at.UTC()
	s.Back = nil
	if at.After(now.Add(24 * time.Hour)) {
		return // a wrong clock must not make all that follows look old
	}
	if s.Newest != nil && at.Before(s.Newest.Add(-clockSkew)) {
		s.Back = &at
		return
	}
	if s.Newest == nil || at.After(*s.Newest) {
		s.Newest = &at
	}
}

// clockSkew is by how much servers of one source may differ.
const clockSkew = time.Hour

// aged says what is wrong with the dates of a source that answers well.
func (s *state) aged(now time.Time, stands time.Duration) {
	if stands == 0 {
		stands = standsAfter
	}
	var wrong []string
	if s.Back != nil && s.Newest != nil {
		wrong = append(wrong, fmt.Sprintf("it answers as of %s, and had shown %s before", s.Back.Format(time.DateOnly), s.Newest.Format(time.DateOnly)))
	}
	if s.Newest != nil && now.Sub(*s.Newest) > stands {
		wrong = append(wrong, fmt.Sprintf("nothing in it is newer than %s", s.Newest.Format(time.DateOnly)))
	}
	missing := 0
	for _, y := range s.Years {
		missing += y.Listed - y.Taken
	}
	if missing > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of the documents that it lists are missing", missing))
	}
	if s.Keyed != "" {
		wrong = append(wrong, s.Keyed)
	}
	s.Warning = strings.Join(wrong, "; ")
}
