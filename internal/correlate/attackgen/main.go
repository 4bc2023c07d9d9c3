// Command attackgen turns the STIX bundles of MITRE ATT&CK (Enterprise, ICS)
// and the ATLAS document into the table of techniques that package content
// embeds: tactics in the order of their matrix, then techniques.
// It owns nothing else and must not be imported.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// matrices names each matrix and the files that it is made of.
var matrices = []struct {
	name  string
	files []string
}{
	{"ics", []string{"attack-ics-18.1.stix21.json.gz"}},
	{"enterprise", []string{"attack-enterprise-18.1.stix20.objects.json.gz", "attack-enterprise-18.1.stix20.relationships.json.gz"}},
}

const atlasFile = "ATLAS.yaml.gz"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: attackgen FOLDER TECHNIQUES.tsv ANSWERS.tsv")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "attackgen:", err)
		os.Exit(1)
	}
	if err := answer(os.Args[1], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "attackgen:", err)
		os.Exit(1)
	}
}

func run(folder, out string) error {
	var table bytes.Buffer
	fmt.Fprintln(&table, "# made by go generate ./internal/correlate; see NOTICE")
	fmt.Fprintln(&table, "# tactic, matrix, short name, name (in the order of the matrix)")
	fmt.Fprintln(&table, "# id, matrix, name, tactics, what took its place, or \"-\" for one that is deprecated without a successor")
	var tactics, techniques []string
	for _, m := range matrices {
		var all []object
		for _, name := range m.files {
			objects, err := bundle(filepath.Join(folder, name))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, objects...)
		}
		t, q := matrix(m.name, all)
		tactics, techniques = append(tactics, t...), append(techniques, q...)
	}
	t, q, err := atlas(filepath.Join(folder, atlasFile))
	if err != nil {
		return fmt.Errorf("%s: %w", atlasFile, err)
	}
	tactics, techniques = append(tactics, t...), append(techniques, q...)
	slices.Sort(techniques)
	for _, line := range append(tactics, techniques...) {
		fmt.Fprintln(&table, line)
	}
	fmt.Fprintf(os.Stderr, "%d tactics, %d techniques, %d bytes\n", len(tactics), len(techniques), table.Len())
	return os.WriteFile(out, table.Bytes(), 0o600) //nolint:gosec // G703: the path is the developer's own argument
}

// object has the fields of the STIX objects that are looked at.
type object struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Name       string `json:"name"`
	Short      string `json:"x_mitre_shortname"`
	Revoked    bool   `json:"revoked"`
	Deprecated bool   `json:"x_mitre_deprecated"`
	References []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
	Phases []struct {
		Name string `json:"phase_name"`
	} `json:"kill_chain_phases"`
	Tactics  []string `json:"tactic_refs"`
	Relation string   `json:"relationship_type"`
	From     string   `json:"source_ref"`
	To       string   `json:"target_ref"`
}

func (o object) external() string {
	for _, r := range o.References {
		if strings.HasPrefix(r.Source, "mitre") {
			return r.ID
		}
	}
	return ""
}

func bundle(name string) ([]object, error) {
	data, err := unzip(name)
	if err != nil {
		return nil, err
	}
	var b struct {
		Objects []object `json:"objects"`
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, err
	}
	return b.Objects, nil
}

func unzip(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // G304: the path is the developer's own argument
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func matrix(name string, all []object) (tactics, techniques []string) {
	byID := map[string]object{}
	next := map[string]string{}
	for _, o := range all {
		byID[o.ID] = o
		if o.Type == "relationship" && o.Relation == "revoked-by" {
			next[o.From] = o.To
		}
	}
	order := []string{}
	for _, o := range all {
		if o.Type == "x-mitre-matrix" {
			for _, ref := range o.Tactics {
				t := byID[ref]
				order = append(order, t.Short)
				tactics = append(tactics, row("tactic", name, t.Short, t.Name))
			}
		}
	}
	for _, o := range all {
		if o.Type != "attack-pattern" {
			continue
		}
		var phases []string
		for _, p := range o.Phases {
			phases = append(phases, p.Name)
		}
		slices.SortFunc(phases, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
		state := ""
		switch to := successor(o.ID, next); {
		case to != o.ID:
			state = byID[to].external()
		case o.Revoked || o.Deprecated:
			state = "-"
		}
		techniques = append(techniques, row(o.external(), name, o.Name, strings.Join(phases, ","), state))
	}
	return tactics, techniques
}

// successor follows what took the place of an object; a cycle ends it.
func successor(id string, next map[string]string) string {
	for range 10 {
		to := next[id]
		if to == "" {
			break
		}
		id = to
	}
	return id
}

func atlas(name string) (tactics, techniques []string, err error) {
	data, err := unzip(name)
	if err != nil {
		return nil, nil, err
	}
	var doc struct {
		Matrices []struct {
			Tactics []struct {
				ID, Name string
			}
			Techniques []struct {
				ID, Name string
				Tactics  []string
				Above    string `yaml:"subtechnique-of"`
			}
		}
	}
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, nil, err
	}
	for _, m := range doc.Matrices {
		short := map[string]string{}
		for _, t := range m.Tactics {
			short[t.ID] = strings.ReplaceAll(strings.ToLower(t.Name), " ", "-")
			tactics = append(tactics, row("tactic", "atlas", short[t.ID], t.Name))
		}
		above := map[string][]string{}
		for _, q := range m.Techniques {
			above[q.ID] = q.Tactics
		}
		for _, q := range m.Techniques {
			refs := q.Tactics
			if len(refs) == 0 {
				refs = above[q.Above]
			}
			var names []string
			for _, ref := range refs {
				names = append(names, short[ref])
			}
			techniques = append(techniques, row(q.ID, "atlas", q.Name, strings.Join(names, ","), ""))
		}
	}
	return tactics, techniques, nil
}

func row(cells ...string) string {
	for i := range cells {
		cells[i] = strings.Join(strings.Fields(cells[i]), " ")
	}
	return strings.TrimRight(strings.Join(cells, "\t"), "\t")
}
