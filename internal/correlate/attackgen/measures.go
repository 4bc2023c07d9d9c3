package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	galaxyFile = "misp-galaxy-selected.zip"
	capecFile  = "capec.stix21.json.gz"
)

// answers gathers what counters each technique: mitigations of ATT&CK and
// techniques of D3FEND; and which CAPEC patterns are a technique.
type answers struct {
	measures map[string][]string        // by id: source, name
	counter  map[string]map[string]bool // technique: measures
	byUUID   map[string]string          // of a technique's object, its id
}

// answer writes the second table.
func answer(folder, out string) error {
	a := answers{measures: map[string][]string{}, counter: map[string]map[string]bool{}, byUUID: map[string]string{}}
	for _, m := range matrices {
		var all []object
		for _, name := range m.files {
			objects, err := bundle(filepath.Join(folder, name))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, objects...)
		}
		a.mitigations(all)
	}
	if err := a.d3fend(filepath.Join(folder, galaxyFile)); err != nil {
		return fmt.Errorf("%s: %w", galaxyFile, err)
	}
	capec, err := bundle(filepath.Join(folder, capecFile))
	if err != nil {
		return fmt.Errorf("%s: %w", capecFile, err)
	}
	var table bytes.Buffer
	fmt.Fprintln(&table, "# made by go generate ./internal/correlate; see NOTICE")
	fmt.Fprintln(&table, "# measure, id, source, name; then counter, technique, ids of measures; then capec, id, name, techniques, weaknesses")
	for _, id := range slices.Sorted(maps.Keys(a.measures)) {
		fmt.Fprintln(&table, row(append([]string{"measure", id}, a.measures[id]...)...))
	}
	for _, id := range slices.Sorted(maps.Keys(a.counter)) {
		fmt.Fprintln(&table, row("counter", id, strings.Join(slices.Sorted(maps.Keys(a.counter[id])), " ")))
	}
	for _, line := range patterns(capec) {
		fmt.Fprintln(&table, line)
	}
	fmt.Fprintf(os.Stderr, "%d measures against %d techniques, %d bytes\n", len(a.measures), len(a.counter), table.Len())
	return os.WriteFile(out, table.Bytes(), 0o600) //nolint:gosec // G703: the path is the developer's own argument
}

func (a *answers) add(technique, measure string) {
	if a.counter[technique] == nil {
		a.counter[technique] = map[string]bool{}
	}
	a.counter[technique][measure] = true
}

func (a *answers) mitigations(all []object) {
	byID := map[string]object{}
	for _, o := range all {
		byID[o.ID] = o
		if _, uuid, ok := strings.Cut(o.ID, "--"); ok && o.Type == "attack-pattern" && !o.Revoked {
			a.byUUID[uuid] = o.external()
		}
	}
	for _, o := range all {
		from, to := byID[o.From], byID[o.To]
		if o.Type != "relationship" || o.Relation != "mitigates" || from.Type != "course-of-action" || from.Revoked || from.Deprecated || to.external() == "" || to.Revoked {
			continue
		}
		a.measures[from.external()] = []string{"attack", from.Name}
		a.add(to.external(), from.external())
	}
}

func (a *answers) d3fend(name string) error {
	z, err := zip.OpenReader(name)
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // only read
	f, err := z.Open("clusters/mitre-d3fend.json")
	if err != nil {
		return err
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	var galaxy struct {
		Values []struct {
			Value string
			Meta  struct {
				ID string `json:"external_id"`
			}
			Related []struct {
				To string `json:"dest-uuid"`
			}
		}
	}
	if err := json.Unmarshal(data, &galaxy); err != nil {
		return err
	}
	for _, v := range galaxy.Values {
		for _, r := range v.Related {
			if id := a.byUUID[r.To]; id != "" {
				a.measures[v.Meta.ID] = []string{"d3fend", v.Value}
				a.add(id, v.Meta.ID)
			}
		}
	}
	return nil
}

// patterns are the CAPEC patterns that name techniques or weaknesses.
func patterns(all []object) []string {
	var out []string
	for _, o := range all {
		if o.Type != "attack-pattern" || o.Revoked || o.Deprecated {
			continue
		}
		var id string
		var techniques, weaknesses []string
		for _, r := range o.References {
			switch strings.ToLower(r.Source) {
			case "capec":
				id = r.ID
			case "cwe":
				weaknesses = append(weaknesses, r.ID)
			case "attack":
				techniques = append(techniques, r.ID)
			}
		}
		if id != "" && len(techniques) > 0 {
			slices.Sort(techniques)
			slices.Sort(weaknesses)
			out = append(out, row("capec", id, o.Name, strings.Join(techniques, " "), strings.Join(weaknesses, " ")))
		}
	}
	slices.Sort(out)
	return out
}
