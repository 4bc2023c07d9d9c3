// Package cvss reads CVSS vectors of versions 2, 3.0, 3.1 and 4.0 and computes
// their base scores; those of version 4 with github.com/pandatix/go-cvss.
//
// It must not rank anything.
package cvss

import (
	"math"
	"strings"

	gocvss40 "github.com/pandatix/go-cvss/40"

	"vedette/internal/fault"
)

// Vector is a vector in its parts.
type Vector struct {
	Version string // 2.0, 3.0, 3.1 or 4.0
	Metrics map[string]string
}

// allowed are the values of each metric; what is required comes first.
type rules struct {
	required []string
	values   map[string]string // letters or words between spaces
}

var (
	v2 = rules{
		[]string{"AV", "AC", "Au", "C", "I", "A"},
		map[string]string{
			"AV": "L A N", "AC": "H M L", "Au": "M S N", "C": "N P C", "I": "N P C", "A": "N P C",
			"E": "U POC F H ND", "RL": "OF TF W U ND", "RC": "UC UR C ND", "CDP": "N L LM MH H ND", "TD": "N L M H ND", "CR": "L M H ND", "IR": "L M H ND", "AR": "L M H ND",
		},
	}
	v3 = rules{
		[]string{"AV", "AC", "PR", "UI", "S", "C", "I", "A"},
		map[string]string{
			"AV": "N A L P", "AC": "L H", "PR": "N L H", "UI": "N R", "S": "U C", "C": "N L H", "I": "N L H", "A": "N L H",
			"E": "X U P F H", "RL": "X O T W U", "RC": "X U R C", "CR": "X L M H", "IR": "X L M H", "AR": "X L M H",
			"MAV": "X N A L P", "MAC": "X L H", "MPR": "X N L H", "MUI": "X N R", "MS": "X U C", "MC": "X N L H", "MI": "X N L H", "MA": "X N L H",
		},
	}
	v4 = rules{
		[]string{"AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"},
		map[string]string{
			"AV": "N A L P", "AC": "L H", "AT": "N P", "PR": "N L H", "UI": "N P A", "VC": "H L N", "VI": "H L N", "VA": "H L N", "SC": "H L N", "SI": "H L N", "SA": "H L N",
			"E": "X A P U", "CR": "X H M L", "IR": "X H M L", "AR": "X H M L",
			"MAV": "X N A L P", "MAC": "X L H", "MAT": "X N P", "MPR": "X N L H", "MUI": "X N P A", "MVC": "X H L N", "MVI": "X H L N", "MVA": "X H L N", "MSC": "X H L N", "MSI": "X S H L N", "MSA": "X S H L N",
			"S": "X N P", "AU": "X N Y", "R": "X A U I", "V": "X D C", "RE": "X L M H", "U": "X Clear Green Amber Red",
		},
	}
)

// Parse reads a vector.
func Parse(text string) (Vector, error) {
	v := Vector{Metrics: map[string]string{}}
	set := v2
	switch {
	case len(text) > 500:
		return v, fault.New(fault.Invalid, "a CVSS vector of more than 500 characters")
	case strings.HasPrefix(text, "CVSS:3.0/"), strings.HasPrefix(text, "CVSS:3.1/"):
		v.Version, set = text[5:8], v3
		text = text[9:]
	case strings.HasPrefix(text, "CVSS:4.0/"):
		v.Version, set = "4.0", v4
		text = text[9:]
	case strings.HasPrefix(text, "CVSS:"):
		return v, fault.New(fault.Invalid, "there is no CVSS version %.20q", text[5:])
	default:
		v.Version = "2.0"
		text = strings.TrimSuffix(strings.TrimPrefix(text, "("), ")")
	}
	for part := range strings.SplitSeq(text, "/") {
		key, value, ok := strings.Cut(part, ":")
		values := set.values[key]
		if !ok || values == "" || !has(values, value) {
			return v, fault.New(fault.Invalid, "CVSS %s has no %.40q", v.Version, part)
		}
		if v.Metrics[key] != "" {
			return v, fault.New(fault.Invalid, "the CVSS vector has %s twice", key)
		}
		v.Metrics[key] = value
	}
	for _, key := range set.required {
		if v.Metrics[key] == "" {
			return v, fault.New(fault.Invalid, "the CVSS vector has no %s", key)
		}
	}
	return v, nil
}

func has(values, value string) bool {
	for v := range strings.FieldsSeq(values) {
		if v == value {
			return true
		}
	}
	return false
}

func (v Vector) of(key string, values map[string]float64) float64 { return values[v.Metrics[key]] }

// Base returns the base score: what threat, environment and supplements say is left
// out of it. false: the vector is of no known version.
func (v Vector) Base() (float64, bool) {
	switch v.Version {
	case "2.0":
		return v.base2(), true
	case "3.0", "3.1":
		return v.base3(), true
	case "4.0":
		return v.score4(v4.required)
	}
	return 0, false
}

// Whole returns the score of version 4 with threat and environment, which it has no
// other name for; false for other versions.
func (v Vector) Whole() (float64, bool) {
	if v.Version != "4.0" {
		return 0, false
	}
	return v.score4(append(append([]string{}, v4.required...), "E", "CR", "IR", "AR", "MAV", "MAC", "MAT", "MPR", "MUI", "MVC", "MVI", "MVA", "MSC", "MSI", "MSA"))
}

// score4 computes from some of the metrics, which are put in the order that the
// specification wants.
func (v Vector) score4(metrics []string) (float64, bool) {
	var b strings.Builder
	b.WriteString("CVSS:4.0")
	for _, m := range metrics {
		if value := v.Metrics[m]; value != "" {
			b.WriteString("/" + m + ":" + value)
		}
	}
	vec, err := gocvss40.ParseVector(b.String())
	if err != nil {
		return 0, false
	}
	return vec.Score(), true
}

// Agrees tells whether a score is what the vector gives, and what it gives. In version
// 4 a score with threat and environment agrees as well, since sources tell it in the
// same place.
func (v Vector) Agrees(score float64) (bool, float64) {
	base, ok := v.Base()
	if !ok || math.Abs(base-score) <= 0.001 {
		return true, base
	}
	whole, ok := v.Whole()
	return ok && math.Abs(whole-score) <= 0.001, base
}

func (v Vector) base2() float64 {
	cia := map[string]float64{"N": 0, "P": 0.275, "C": 0.660}
	impact := 10.41 * (1 - (1-v.of("C", cia))*(1-v.of("I", cia))*(1-v.of("A", cia)))
	exploit := 20 * v.of("AV", map[string]float64{"L": 0.395, "A": 0.646, "N": 1}) *
		v.of("AC", map[string]float64{"H": 0.35, "M": 0.61, "L": 0.71}) * v.of("Au", map[string]float64{"M": 0.45, "S": 0.56, "N": 0.704})
	f := 1.176
	if impact == 0 {
		f = 0
	}
	return math.Round((0.6*impact+0.4*exploit-1.5)*f*10) / 10
}

func (v Vector) base3() float64 {
	cia := map[string]float64{"N": 0, "L": 0.22, "H": 0.56}
	iss := 1 - (1-v.of("C", cia))*(1-v.of("I", cia))*(1-v.of("A", cia))
	changed := v.Metrics["S"] == "C"
	impact := 6.42 * iss
	pr := map[string]float64{"N": 0.85, "L": 0.62, "H": 0.27}
	if changed {
		impact = 7.52*(iss-0.029) - 3.25*math.Pow(iss-0.02, 15)
		pr = map[string]float64{"N": 0.85, "L": 0.68, "H": 0.5}
	}
	exploit := 8.22 * v.of("AV", map[string]float64{"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}) *
		v.of("AC", map[string]float64{"L": 0.77, "H": 0.44}) * v.of("PR", pr) * v.of("UI", map[string]float64{"N": 0.85, "R": 0.62})
	if impact <= 0 {
		return 0
	}
	sum := impact + exploit
	if changed {
		sum *= 1.08
	}
	return v.roundUp(min(sum, 10))
}

// roundUp is the rounding of each version: 3.1 took the doubt out of the last
// digit of a float.
func (v Vector) roundUp(x float64) float64 {
	if v.Version == "3.0" {
		return math.Ceil(x*10-1e-9) / 10
	}
	n := int(math.Round(x * 100000))
	if n%10000 == 0 {
		return float64(n) / 100000
	}
	return float64(n/10000+1) / 10
}

// Severity words a base score.
func Severity(version string, score float64) string {
	switch {
	case version == "2.0" && score >= 7, version != "2.0" && score >= 7 && score < 9:
		return "HIGH"
	case score >= 9:
		return "CRITICAL"
	case score >= 4:
		return "MEDIUM"
	case score > 0 || version == "2.0":
		return "LOW"
	}
	return "NONE"
}
