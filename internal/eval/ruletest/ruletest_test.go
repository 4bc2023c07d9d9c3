package ruletest_test

import (
	"strings"
	"testing"

	"vedette/content"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/edge"
	"vedette/internal/eval/ruletest"
)

// before are the detectors that see an event before the rules, as in the
// product.
func before() []detect.Detector {
	return []detect.Detector{behave.New(behave.Config{MaxProfiles: 4096, MaxGroups: 128, MaxSeries: 1024})}
}

// builtin is the pack that ships.
func builtin(t testing.TB) *ruletest.Pack {
	t.Helper()
	p, err := ruletest.Load(content.Rules(), ruletest.Options{Formats: edge.Formats(), Mapping: content.SigmaMapping(), Expand: content.RuleValues(), Before: before})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestBuiltin runs the tests of every rule that ships.
func TestBuiltin(t *testing.T) {
	p := builtin(t)
	for i := range p.Entries {
		e := &p.Entries[i]
		t.Run(strings.TrimSuffix(e.Path, ".yml"), func(t *testing.T) {
			for _, r := range p.Run(t.Context(), e) {
				if !r.OK {
					t.Errorf("%s: %s (%d events, raised %v)", r.Section, r.Reason, r.Events, r.Raised)
				}
			}
		})
	}
}

// TestCoverage: every rule that ships says what it must and has a test, and
// there are as many as promised.
func TestCoverage(t *testing.T) {
	p := builtin(t)
	for _, problem := range p.Check() {
		t.Errorf("%s: %s", problem.Path, problem.Reason)
	}
	if len(p.Entries) < 80 {
		t.Errorf("%d rules, at least 80 are promised", len(p.Entries))
	}
}
