package reading

import (
	"strings"
	"unicode"
)

// textWords are the words of a text in lower case: runs of letters, and the parts
// of what programs write as one ("PacketResponder", "addStoredBlock").
func textWords(text string) []string {
	var out []string
	for _, run := range strings.FieldsFunc(text, func(c rune) bool { return !unicode.IsLetter(c) }) {
		start := 0
		for i := 1; i < len(run); i++ {
			if lower(run[i-1]) && !lower(run[i]) {
				out = append(out, strings.ToLower(run[start:i]))
				start = i
			}
		}
		out = append(out, strings.ToLower(run[start:]))
		if start > 0 {
			out = append(out, strings.ToLower(run))
		}
	}
	for w := range strings.FieldsSeq(text) {
		if w = strings.Trim(w, `"'()[]{}<>,;:.!?`); strings.ContainsAny(w, "_.-") && !strings.Contains(w, "<") {
			out = append(out, strings.ToLower(w)) // a name as a whole
		}
	}
	return out
}

// negations are words that turn a text around.
var negations = setOf("no not without never cannot couldn unable")

func lower(b byte) bool { return b >= 'a' && b <= 'z' }

// textStem brings more forms together than [stem] does, as nothing else hangs on
// the words of a text: took and take, connection and connect, deletion and delete.
func textStem(w string) string {
	if base := irregular[w]; base != "" {
		w = base
	}
	w = stem(w)
	for _, end := range []string{"fully", "ful", "ly", "ation", "ion", "ure", "ur"} {
		if base, ok := strings.CutSuffix(w, end); ok && len(base) >= 4 {
			return strings.TrimSuffix(stem(base), "e")
		}
	}
	return w
}

// irregular are verbs whose past has another stem.
var irregular = map[string]string{
	"took": "take", "taken": "take", "began": "begin", "begun": "begin", "lost": "lose", "sent": "send", "broke": "break", "broken": "break",
	"found": "find", "got": "get", "gotten": "get", "went": "go", "gone": "go", "wrote": "write", "written": "write", "read": "read", "ran": "run",
	"built": "build", "kept": "keep", "left": "leave", "made": "make", "met": "meet", "chosen": "choose", "chose": "choose", "held": "hold",
	"led": "lead", "won": "win", "woke": "wake", "shut": "shut", "forbade": "forbid", "forbidden": "forbid", "bound": "bind", "hung": "hang",
	"threw": "throw", "thrown": "throw", "stuck": "stick", "unsuccessful": "fail", "elected": "elect", "dropped": "drop", "dying": "die",
	"succeeded": "success", "succeeds": "success", "succeed": "success", "failure": "fail",
}

// meanings bring words together that logs and people use for the same.
var meanings = meaningsOf(
	"refuse deny forbid reject disallow permission", "start launch begin boot spawn initialize initialise create init",
	"stop terminat end finish shut halt kill quit exit shutdown", "remov delet erase destroy purge drop unlink clean",
	"fail error exception unsuccess fault problem", "lose break disconnect drop disappear", "send transmit forward ship serve",
	"receive get arrive", "expire timeout lapse", "folder directory dir", "restart reboot", "copy replicate duplicate transfer",
	"machine instance vm", "address ip", "warn warning", "join connect attach", "close disconnect", "open establish",
	"config configuration setting", "request ask", "save store persist", "load read", "allow permit grant", "change update modify",
)

func meaningsOf(groups ...string) map[string]string {
	out := map[string]string{}
	for _, g := range groups {
		first, _, _ := strings.Cut(g, " ")
		for w := range strings.FieldsSeq(g) {
			if s := textStem(w); out[s] == "" {
				out[s] = "~" + first
			}
		}
	}
	return out
}

// functionWords are words that no text is found by.
var functionWords = setOf(`a an the of to in on at by for from with and or not no is are was were be been being it its this that these those there here as so
	than then do does did done has have had having i me my we us our you your he she they them his her their who whom whose how why when where which what if but can
	could would should will shall may might must any all each every some such only just also too very more most less least much many few ever never once please show
	list give tell find count number times time often total average mean median maximum minimum max min sum per between during before after since until over under
	about into out up down off again still yet already first last latest earliest happen happened occur occurred see seen say said log logs logged line lines entry
	entries record records message messages event events data day days hour hours minute minutes second seconds today yesterday week month year different distinct
	unique single one two three hi hello hey thanks quick need want know like look think remain remaining left others rest other else`)

func setOf(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}
