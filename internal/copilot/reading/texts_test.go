package reading

import (
	"slices"
	"strings"
	"testing"

	"vedette/internal/query"
)

// boiler is a house whose boiler writes a log that no dialect knows.
func boiler() fakeWorld {
	return fakeWorld{
		values: map[string][]query.ValueCount{
			"/metadata.log_name": counts("text/boiler"),
			"/template.text": counts(
				"Burner <*> lit at stage <*>", "Burner <*> extinguished", "Refused setpoint <*> from /<*>", "Closed valve <*>",
				"Valve <*> not closed", "purge cycle TOOK - <*>", "PurgeController: <*> cycles left", "Took <*> ms to flush loop <*>", "sensor_poll done", "Received valve <*> of size <*>",
			),
		},
		extras: []string{"level", "component", "param.burner", "param.stage", "param.setpoint", "param.valve", "param.took", "param.loop", "param.size"},
	}
}

func TestQuestionsOverTexts(t *testing.T) {
	for question, want := range map[string]string{
		"how often was a burner lit?":                             `template.text="Burner <*> lit at stage <*>" | count`,
		"how many burners were extinguished per hour?":            `template.text="Burner <*> extinguished" | every 1h count | sort time | limit 1000`,
		"which burner was lit most often?":                        `template.text="Burner <*> lit at stage <*>" param.burner exists | by param.burner count | sort count desc | limit 1`,
		"how many different burners were lit?":                    `template.text="Burner <*> lit at stage <*>" param.burner exists | distinct(param.burner)`,
		"how often was a setpoint forbidden?":                     `template.text="Refused setpoint <*> from /<*>" | count`,
		"how often was a valve closed?":                           `template.text="Closed valve <*>" | count`,
		"how often was a valve not closed?":                       `template.text="Valve <*> not closed" | count`,
		"what is the average stage of burners lit?":               `template.text="Burner <*> lit at stage <*>" | avg(param.stage)`,
		"how many burners were lit at stage 2?":                   `template.text="Burner <*> lit at stage <*>" param.stage="2" | count`,
		"average time to flush a loop?":                           `template.text="Took <*> ms to flush loop <*>" | avg(duration)`,
		"how long did a purge cycle take on average?":             `template.text="purge cycle TOOK - <*>" | avg(param.took)`,
		"average size of received valves?":                        `template.text="Received valve <*> of size <*>" | avg(param.size)`,
		"how often did sensor_poll run?":                          `template.text="sensor_poll done" | count`,
		"how many errors are there?":                              `severity_id>=4 | count`,
		"which component wrote the most warnings?":                `severity_id=3 component exists | by component count | sort count desc | limit 1`,
		"how often was a burner extinguishd?":                     `template.text="Burner <*> extinguished" | count`,
		"apart from burners being lit, how many lines are there?": `not template.text="Burner <*> lit at stage <*>" | count`,
		"which burner was the first to be lit?":                   `template.text="Burner <*> lit at stage <*>" param.burner exists | by param.burner first | sort first | limit 1`,
	} {
		r := read(t, boiler(), question, nil)
		if got := planOf(r); got != want || r.Status != Understood {
			t.Errorf("%q, %s, unknown %q\n got %s\nwant %s", question, r.Status, r.Unknown, got, want)
		}
	}
}

// What the texts do not say is not answered from them.
func TestWhatTextsDoNotSay(t *testing.T) {
	for question, unknown := range map[string]string{
		"how many boilers exploded?":          "exploded",
		"how many burners were blessed?":      "blessed",
		"which technician lit the burner?":    "technician",
		"how many burners failed?":            "failed",
		"how often did the plumber come by?":  "plumber",
		"what was the median of the weather?": "weather",
	} {
		r := read(t, boiler(), question, nil)
		if r.Status == Understood || !slices.Contains(r.Unknown, unknown) && r.Status != NotUnderstood {
			t.Errorf("%q is %s, unknown %q, read as %s", question, r.Status, r.Unknown, r.ReadAs)
		}
	}
}

// Words of a text that some program wrote never beat logs with a dialect: what is
// asked of logins stays with the logins.
func TestTextsBeatNoLog(t *testing.T) {
	w := plant()
	w.values["/template.text"] = counts("failed logins of root", "connections to 10.0.0.5 are 4", "top 3 users <*>")
	for _, question := range []string{
		"how many failed logins were there", "which hosts did 10.0.0.5 contact", "top 3 users with failed logins",
		"how many connections are there", "failed logins for root in the last 2 hours",
	} {
		if got, want := planOf(read(t, w, question, nil)), planOf(read(t, plant(), question, nil)); got != want {
			t.Errorf("%q\n got %s\nwant %s", question, got, want)
		}
	}
}

// Nor is an answer from a text certain where logs with a dialect were asked about.
func TestTextsForOtherLogsAreAGuess(t *testing.T) {
	w := plant()
	w.values["/template.text"] = counts("failed logins of the contractor <*>")
	if r := read(t, w, "how many failed logins of the contractor were there", nil); r.Status == Understood {
		t.Errorf("understood as %s", r.ReadAs)
	}
}

// A line that somebody stuffed with the words of all questions is not what is asked.
func TestStuffedTextsAreNotMeant(t *testing.T) {
	w := boiler()
	w.values["/template.text"] = append(w.values["/template.text"], query.ValueCount{Value: "the burner was lit at stage stages extinguished refused forbidden setpoint closed valve purge cycle took cycles left flush " +
		"loop sensor poll done failed error errors door doors opened user root login logins connection session client server block packet size time alert warning component module", Count: 1})
	for _, question := range []string{"how often was a burner lit?", "which burner was lit most often?", "how often was a valve closed?", "how often was a setpoint refused?"} {
		if got, want := planOf(read(t, w, question, nil)), planOf(read(t, boiler(), question, nil)); got != want {
			t.Errorf("%q\n got %s\nwant %s", question, got, want)
		}
	}
}

func FuzzTextWords(f *testing.F) {
	f.Add("PacketResponder <*> for block blk_<*> terminating")
	f.Add("a.B_c-D(x) \xff é ÀÉ")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range textWords(text) {
			if w == "" || w != strings.ToLower(w) {
				t.Errorf("%q of %q", w, text)
			}
			textStem(w)
		}
	})
}
