package ground_test

import (
	"testing"

	"vedette/internal/guard/ground"
)

func TestClaims(t *testing.T) {
	claim := func(p ground.Predicate, subject, object, text string, cites ...string) ground.Claim {
		return ground.Claim{Predicate: p, Subject: subject, Object: object, Text: text, Evidence: cites}
	}
	for name, c := range map[string]struct {
		claim ground.Claim
		want  string // the sentence; empty: it does not hold
	}{
		"contacted":               {claim(ground.Contacted, "10.0.0.1", "10.0.0.2", "", "E3.1"), "10.0.0.1 → 10.0.0.2 port 502"},
		"contacted, turned":       {claim(ground.Contacted, "10.0.0.2", "10.0.0.1", "", "E3.1"), ""},
		"contacted, of the whole": {claim(ground.Contacted, "10.0.0.1", "10.0.0.2", "", "E3"), ""},
		"has":                     {claim(ground.Has, "10.0.0.5", "count", "", "E1.1"), "10.0.0.5: count 42"},
		"has, of another row":     {claim(ground.Has, "10.0.0.5", "count", "", "E1.2"), ""},
		"has, no such column":     {claim(ground.Has, "10.0.0.5", "colour", "", "E1.1"), ""},
		"happened":                {claim(ground.Happened, "10.0.0.5", "", "", "E1.1"), "10.0.0.5 at 2026-03-10 12:00:00 UTC"},
		"most, of a part":         {claim(ground.Most, "10.0.0.6", "count", "", "E1.2"), ""}, // two of seven rows are here
		"most":                    {claim(ground.Most, "10.0.0.1", "failed", "", "E3.1"), "10.0.0.1 has the most failed: 3"},
		"total":                   {claim(ground.Total, "", "", "", "E1"), "7 rows in all"},
		"none, but there is":      {claim(ground.None, "", "", "", "E1"), ""},
		"sum of a part":           {claim(ground.SumOf, "", "count", "", "E1"), ""},
		"sum":                     {claim(ground.SumOf, "", "failed", "", "E3"), "the sum of failed is 3"},
		"unknown predicate":       {claim("attacked", "10.0.0.1", "10.0.0.2", "", "E3.1"), ""},
		"cites nothing":           {claim(ground.Has, "10.0.0.5", "count", ""), ""},
		"cites what is not there": {claim(ground.Total, "", "", "", "E7"), ""},
		"note":                    {claim(ground.Note, "", "", "most of it came from 10.0.0.5, 42 times", "E1.1"), "most of it came from 10.0.0.5, 42 times"},
		"note, invented":          {claim(ground.Note, "", "", "most of it came from 10.0.0.7", "E1.1"), ""},
		"note, negation":          {claim(ground.Note, "", "", "10.0.0.5 did not do it", "E1.1"), ""},
		"note, severity":          {claim(ground.Note, "", "", "10.0.0.5 is benign", "E1.1"), ""},
		"note, relation":          {claim(ground.Note, "", "", "10.0.0.5 attacked it", "E1.1"), ""},
		"note, advice":            {claim(ground.Note, "", "", "close the incident", "E1.1"), ""},
		"note, link":              {claim(ground.Note, "", "", "see http://evil.example/42", "E1.1"), ""},
		"note, image":             {claim(ground.Note, "", "", "![x](//evil.example)", "E1.1"), ""},
		"note, empty":             {claim(ground.Note, "", "", " ", "E1.1"), ""},
	} {
		got, res := basis().Claim(c.claim)
		if res.OK != (c.want != "") || res.OK && got.Text != c.want {
			t.Errorf("%s: %q, %t (%s)", name, got.Text, res.OK, res.Why)
		}
	}
}
