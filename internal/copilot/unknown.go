package copilot

import (
	"context"
	"strings"

	"vedette/internal/copilot/reading"
	"vedette/internal/toolbox"
)

// notUnderstood says what was not understood and what can be asked of the
// data that is there.
func (c *Copilot) notUnderstood(ctx context.Context, r *reading.Reading, bounds toolbox.Bounds, ans *Answer) {
	ans.Status = StatusNotUnderstood
	ans.ReadAs = "not understood"
	text := "I did not understand the question"
	if len(r.Unknown) > 0 {
		text = "I did not understand: " + clean(strings.Join(r.Unknown, ", "))
	}
	ans.Answer = []Sentence{{Text: text, Status: "verified", Evidence: []string{}}}
	ans.Plan, ans.Evidence = []reading.Step{}, []Evidence{}
	ans.Suggestions = c.examples(ctx, bounds)
}

// examples are questions that the stored logs can answer.
func (c *Copilot) examples(ctx context.Context, bounds toolbox.Bounds) []string {
	if bounds.Events == 0 {
		return []string{`take in logs first: vedette ingest PATH`}
	}
	logs, _, err := c.tools.Values(ctx, "", "metadata.log_name")
	if err != nil {
		return nil
	}
	byLog := map[string]string{
		"conn": "which sources sent the most bytes?", "flow": "which sources sent the most bytes?",
		"sshd": "which sources have the most failed logins?", "dns": "top 10 domains queried",
		"http": "how many HTTP requests per status code?", "alert": "top 5 alert signatures",
		"modbus_detailed": "which hosts wrote registers?", "modbus": "which functions were used?",
		"bacnet": "which BACnet services were used?", "dnp3": "which DNP3 functions were used?", "s7comm": "which S7 functions were used?",
	}
	var out []string
	for _, l := range logs {
		if q := byLog[l.Value[strings.LastIndexByte(l.Value, '/')+1:]]; q != "" && len(out) < 4 && !strings.Contains(strings.Join(out, "\n"), q) {
			out = append(out, q)
		}
	}
	return append(out, "how many events per log type?")
}
