package reading

import (
	"regexp"
	"strings"
)

// Other ways to say what has a form already: they are put into that form before
// the question is read.
var (
	reportForm  = regexp.MustCompile(`(?i)^\W*(?:(?:hello|hi|hey|good (?:morning|afternoon|evening)|please)\b[ ,.!]*)*(?:for|in) (?:my|our|the|this|today's) (?:[\w-]+ ){0,2}(?:report|handover|log ?book|meeting|briefing|summary|audit|ticket|shift|minutes|records?)\b(?:\s*[:,]| (?:i|we)(?: just)? (?:need|want|have to have)[^:,]{0,30}:)\s*`)
	howMany     = regexp.MustCompile(`(?i)\b(how )(?:m[aei]n+[eiy]?|mny|mayn|amny|manny)\b`)
	foreachHead = regexp.MustCompile(`(?i)^\W*(?:please,? )?(?:for|per|in) (?:each|every) ([^,:?]{2,60}?)\s*[,:]\s*(?:please )?((?:what (?:is|was|are|were) |give (?:me )?|show (?:me )?|list |tell me |the )*)(.+?)(?:,? please)?\W*$`)
	amongForm   = regexp.MustCompile(`(?i)^\W*(?:among|amongst|of|out of) (?:all |the |those )*([^,]{4,120}?), (how many|which)(?: of (?:them|these|those))? also (.+?)\W*$`)
)

// reworded puts a question into the form that the rest reads.
func reworded(question string) string {
	q := reportForm.ReplaceAllString(question, "")
	q = howMany.ReplaceAllString(q, "${1}many")
	if m := amongForm.FindStringSubmatch(q); m != nil {
		return m[2] + " " + m[1] + " and also " + m[3] + "?"
	}
	if m := foreachHead.FindStringSubmatch(q); m != nil && !rankedHead.MatchString(m[1]) {
		return m[3] + " for each " + m[1] + "?"
	}
	return q
}

// rankedHead are groups that are chosen and not all there are; see forEach.
var rankedHead = regexp.MustCompile(`(?i)\b(?:top|most|with|that|who|which|where|having|whose)\b`)

// saidApart tells "for GET and for POST separately".
func (r *reader) saidApart() bool {
	for _, t := range r.toks {
		switch t.lower {
		case "each", "respectively", "separately", "individually":
			return true
		}
	}
	return false
}

// moreOfOne tells "for which addresses are there more SELECT than OPERATE
// commands": groups are asked for, and two values of another field set against
// each other.
func (r *reader) moreOfOne() bool {
	low := strings.ToLower(r.question)
	at := strings.Index(low, " than ")
	if at < 0 || !strings.Contains(low[:at], "more ") && !strings.Contains(low[:at], "fewer ") || len(r.f.Having) > 0 || len(r.f.Targets) != 1 {
		return false
	}
	for i, a := range r.f.Conds {
		for _, b := range r.f.Conds[i+1:] {
			if a.Not || b.Not || !joinable(a.Expr, b.Expr) || a.Expr.Value == b.Expr.Value || "per "+a.Expr.Field == r.f.Targets[0] || a.Expr.Field == r.f.Targets[0] {
				continue
			}
			one, two := strings.Index(low, strings.ToLower(a.Text)), strings.LastIndex(low, strings.ToLower(b.Text))
			if one >= 0 && one < at && two > at {
				return true
			}
		}
	}
	return false
}
