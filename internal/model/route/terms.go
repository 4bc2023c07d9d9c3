package route

import (
	"slices"
	"strconv"
	"strings"

	"vedette/internal/model"
)

// Require is what a policy asks of the terms of an endpoint outside the site.
// What is not known does not meet a requirement.
type Require struct {
	Jurisdictions []string // ISO 3166 codes; "EU" stands for every member state
	Operators     []string // who may run it
	NoTraining    bool     // it must not learn from what it is sent
	Retention     string   // it must keep requests no longer, such as "30d"; empty: any
	Contract      bool     // there must be a named agreement
}

// Unmet says which requirement an endpoint does not meet, or nothing.
func (r Require) Unmet(t model.Terms) string {
	switch {
	case len(r.Jurisdictions) > 0 && t.Jurisdiction == "":
		return "its jurisdiction is not known, and the policy requires " + strings.Join(r.Jurisdictions, " or ")
	case len(r.Jurisdictions) > 0 && !inJurisdiction(r.Jurisdictions, t.Jurisdiction):
		return "its jurisdiction is " + t.Jurisdiction + ", and the policy requires " + strings.Join(r.Jurisdictions, " or ")
	case len(r.Operators) > 0 && !slices.ContainsFunc(r.Operators, func(s string) bool { return s != "" && strings.EqualFold(s, t.Operator) }):
		return "its operator is none of those that the policy allows: " + strings.Join(r.Operators, ", ")
	case r.NoTraining && t.TrainsOnInput == "":
		return "whether it trains on what it is sent is not known, and the policy forbids training"
	case r.NoTraining && t.TrainsOnInput != "no":
		return "it trains on what it is sent, and the policy forbids that"
	case r.Contract && t.Contract == "":
		return "there is no named agreement with its operator, and the policy requires one"
	}
	return r.unmetRetention(t.Retention)
}

func (r Require) unmetRetention(said string) string {
	if r.Retention == "" {
		return ""
	}
	limit, ok := Days(r.Retention)
	if !ok {
		return "the policy's longest retention cannot be read: " + strconv.Quote(r.Retention)
	}
	kept, ok := Days(said)
	switch {
	case said == "":
		return "how long it keeps requests is not known, and the policy allows " + r.Retention
	case !ok:
		return "how long it keeps requests cannot be read (" + strconv.Quote(said) + "), and the policy allows " + r.Retention
	case kept > limit:
		return "it keeps requests for " + said + ", and the policy allows " + r.Retention
	}
	return ""
}

// Days reads a length of time in whole hours or days, such as "0d", "30d" or
// "12h". "none" is no time at all.
func Days(text string) (float64, bool) {
	if text == "none" {
		return 0, true
	}
	for unit, size := range map[string]float64{"d": 1, "h": 1.0 / 24} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(digits, 10, 20)
			return float64(n) * size, err == nil
		}
	}
	return 0, false
}

// union are the ISO 3166 codes of the member states of the European Union.
const union = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "

func inJurisdiction(allowed []string, code string) bool {
	for _, a := range allowed {
		if strings.EqualFold(a, code) {
			return true
		}
		if strings.EqualFold(a, "EU") && len(code) == 2 && strings.Contains(union, " "+strings.ToUpper(code)+" ") {
			return true
		}
	}
	return false
}
