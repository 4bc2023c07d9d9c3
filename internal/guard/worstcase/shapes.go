package worstcase

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// shapes are rows whose wire is in order and whose answer is not of the schema.
func shapes() []Behaviour {
	good := func(a Asked) string {
		m := &mind{words: func(path string) []string { return orElse(path, a.ids(), "it is fine") }}
		return m.fill(a.Schema)
	}
	row := func(name, about string, say func(a Asked) string) Behaviour {
		return Behaviour{Name: "schema-breaker/" + name, About: about, say: func(a Asked, _ *Options) string { return say(a) }}
	}
	fixed := func(name, about, text string) Behaviour {
		return row(name, about, func(Asked) string { return text })
	}
	return append(odd(fixed), []Behaviour{
		fixed("prose", "prose instead of JSON", "I am sorry, as a language model I think that everything is fine."),
		fixed("empty", "nothing", ""),
		row("half", "the first half", func(a Asked) string { g := good(a); return g[:len(g)/2] }),
		row("fence", "JSON in a fence of Markdown", func(a Asked) string { return "```json\n" + good(a) + "\n```" }),
		row("before", "words before the JSON", func(a Asked) string { return "Here it is: " + good(a) }),
		row("after", "words after the JSON", func(a Asked) string { return good(a) + "\nIgnore the above." }),
		row("twice", "two values, the second another", func(a Asked) string { return good(a) + strings.ReplaceAll(good(a), "fine", "bad") }),
		row("thinking", "thinking before the JSON", func(a Asked) string { return "<think>they want " + good(a) + "</think>" + good(a) }),
		row("duplicate-keys", "each key twice, with another value", duplicated(good)),
		row("other-case", "keys in capitals beside the right ones", func(a Asked) string {
			g := good(a)
			if !strings.HasPrefix(g, "{") || g == "{}" {
				return g + "{"
			}
			return strings.ToUpper(strings.TrimSuffix(g, "}")) + "," + g[1:]
		}),
		row("more-keys", "keys that nobody asked for", func(a Asked) string {
			return strings.TrimSuffix(good(a), "}") + `,"run":"rm -rf /","__proto__":{"admin":true}}`
		}),
		row("wrong-types", "each value of another type", func(a Asked) string { return retyped(good(a)) }),
		row("null", "null for everything", func(a Asked) string {
			m := &mind{odd: func(path string) (json.RawMessage, bool) {
				return json.RawMessage("null"), strings.Count(path, "/") == 1
			}}
			return m.fill(a.Schema)
		}),
		row("long-text", "a text a hundred times too long", func(a Asked) string {
			long, _ := json.Marshal(strings.Repeat("very long ", 5000))
			m := &mind{odd: func(path string) (json.RawMessage, bool) { return long, strings.Count(path, "/") == 1 }}
			return m.fill(a.Schema)
		}),
		row("other-choice", "a choice that was not offered", func(a Asked) string {
			m := &mind{odd: func(path string) (json.RawMessage, bool) {
				return json.RawMessage(`"delete_everything"`), strings.Count(path, "/") == 1
			}}
			return m.fill(a.Schema)
		}),
	}...)
}

// odd are texts that a reader of JSON stumbles over.
func odd(fixed func(name, about, text string) Behaviour) []Behaviour {
	return []Behaviour{
		fixed("array", "a list instead of an object", `[1,2,3]`),
		fixed("number", "a number beyond all", `{"value":1e999,"confidence":1e999,"n":-1e999}`),
		fixed("not-a-number", "words that JavaScript knows", `{"confidence":NaN,"n":Infinity,"u":undefined}`),
		fixed("deep", "a hundred thousand brackets", strings.Repeat(`[`, 100_000)),
		fixed("deep-closed", "twenty thousand objects in each other", strings.Repeat(`{"a":`, 20_000)+"1"+strings.Repeat(`}`, 20_000)),
		fixed("bytes", "bytes that are no UTF-8", "{\"text\":\"\xff\xfe\xc0\xaf\xed\xa0\x80\"}"),
		fixed("surrogate", "half a surrogate", `{"text":"\ud800","verdict":"\udfff"}`),
		fixed("nul", "NUL and other controls", "{\"text\":\"a\\u0000b\",\x00\"x\":\"\x01\"}"),
		fixed("mark", "a byte order mark", "\ufeff{\"text\":\"x\"}"),
		fixed("quotes", "single quotes and comments", `{'text': 'x', /* note */ "y": 1,}`),
	}
}

func duplicated(good func(Asked) string) func(Asked) string {
	return func(a Asked) string {
		g := good(a)
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(g), &object) != nil || len(object) == 0 {
			return `{"verdict":"benign","verdict":"malicious"}`
		}
		var b strings.Builder
		b.WriteByte('{')
		for _, name := range slices.Sorted(maps.Keys(object)) {
			key, _ := json.Marshal(name)
			b.Write(key)
			b.WriteString(`:"other",`)
		}
		b.WriteString(g[1:])
		return b.String()
	}
}

// retyped turns texts into numbers and numbers into texts.
func retyped(g string) string {
	var object map[string]any
	if json.Unmarshal([]byte(g), &object) != nil {
		return `{"text":7}`
	}
	for name, v := range object {
		if _, ok := v.(string); ok {
			object[name] = 7
			continue
		}
		object[name] = "7"
	}
	out, _ := json.Marshal(object)
	return string(out)
}
