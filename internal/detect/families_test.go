package detect_test

import (
	"testing"

	"vedette/content"
	"vedette/internal/detect"
	"vedette/internal/detect/behave"
	"vedette/internal/detect/detecttest"
	"vedette/internal/detect/match"
	"vedette/internal/detect/policy"
	"vedette/internal/detect/sigma"
	"vedette/internal/detect/sigma/rulefile"
	"vedette/internal/intel"
)

// Every family keeps the contract of the seam.
func TestFamilies(t *testing.T) {
	t.Run("behaviour", func(t *testing.T) {
		detecttest.Run(t, func() detect.Detector {
			return behave.New(behave.Config{MaxProfiles: 1000, MaxGroups: 64, MaxSeries: 200})
		})
	})
	t.Run("indicators", func(t *testing.T) {
		b := intel.NewBuilder()
		for _, text := range []string{"203.0.113.9", "198.51.100.0/24", "example.com"} {
			kind, value, err := intel.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Add(intel.Indicator{Type: kind, Value: value, Source: "test", Confidence: 80}); err != nil {
				t.Fatal(err)
			}
		}
		set := b.Build()
		detecttest.Run(t, func() detect.Detector { return match.New(set, match.Config{}) })
	})
	t.Run("policy", func(t *testing.T) {
		cfg, problems := policy.ParseConfig([]byte("default: deny\nconduits:\n  - {name: a, from: Office, to: Cell, allow: [{ports: 443, protocols: tcp}]}\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		detecttest.Run(t, func() detect.Detector { return policy.New(cfg) })
	})
	t.Run("sigma", func(t *testing.T) {
		mapping, err := sigma.ParseMapping(content.SigmaMapping())
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := rulefile.FromFS(content.Rules())
		if err != nil {
			t.Fatal(err)
		}
		set, refused := loaded.Compile(sigma.Options{Mapping: mapping, Expand: content.RuleValues()})
		if len(refused) > 0 {
			t.Fatal(refused)
		}
		detecttest.Run(t, func() detect.Detector { return sigma.NewDetector(set, sigma.DetectorOptions{}) })
	})
}
