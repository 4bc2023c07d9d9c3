package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"vedette/internal/detect/policy"
	"vedette/internal/fault"
)

// loadPolicy reads the site's zone and conduit rules and the MUD files that
// they name, by paths from where the rules are. All that is wrong is told at
// once: rules that are half in force would be trusted too much.
func (a *App) loadPolicy() (policy.Config, error) {
	path := a.cfg.Detect.Policy
	if path == "" {
		return policy.Config{}, nil
	}
	cfg, problems, err := ReadPolicy(path)
	if err != nil {
		return cfg, fault.Wrap(fault.KindOf(err), err, "the site's policy").WithHint("correct detect.policy in the configuration")
	}
	if len(problems) == 0 {
		return cfg, nil
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return cfg, fault.New(fault.Invalid, "the policy %s has %d problems:\n  %s", path, len(problems), strings.Join(lines, "\n  ")).WithHint("see docs/policy.md for the form")
}

// ReadPolicy reads a policy and the MUD files that it names, by paths from where it
// is. The policy is of use only when there are no problems.
func ReadPolicy(path string) (policy.Config, []policy.Problem, error) {
	f, err := os.Open(path) //nolint:gosec // G304: the operator named it
	if err != nil {
		return policy.Config{}, nil, fault.Wrap(fault.NotFound, err, "opening the policy %s", path)
	}
	defer f.Close()                                               //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, policy.MaxBytes+1)) // one more than it may have is told as a problem
	if err != nil {
		return policy.Config{}, nil, fault.Wrap(fault.Unavailable, err, "reading the policy %s", path)
	}
	cfg, problems := policy.ParseConfig(data)
	if len(problems) == 0 {
		problems = cfg.Load(func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return os.ReadFile(name) //nolint:gosec // G304: the operator's policy names it
		})
	}
	return cfg, problems, nil
}
