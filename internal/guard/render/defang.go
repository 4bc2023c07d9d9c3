package render

import (
	"regexp"
	"strings"
)

// scheme finds what software takes for the start of a URL.
var scheme = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*)\s*:\s*(?:/|\\){2}|(javascript|vbscript|livescript|blob|file|filesystem|view-source|about|intent|ms-[a-z-]+|search-ms|mailto|tel|sms|callto|cid|jar|feed)(\s*:)(\s*\S)|(data)(\s*:)(\s*[a-z0-9+.-]*[/;,])|\b(www)\.`)

// Defang writes URLs so that nothing takes them for one, and a person still
// reads them: hxxp[:]//, www[.]. Doing it twice changes nothing.
func Defang(s string) string {
	if !strings.Contains(s, ":") && !strings.Contains(s, ".") {
		return s
	}
	for range 4 {
		next := scheme.ReplaceAllStringFunc(s, func(m string) string {
			low := strings.ToLower(m)
			if strings.HasPrefix(low, "www.") {
				return m[:3] + "[.]"
			}
			at := strings.IndexByte(m, ':')
			name := m[:at]
			if strings.EqualFold(strings.TrimSpace(name), "http") || strings.EqualFold(strings.TrimSpace(name), "https") {
				name = "hxxp" + strings.TrimSpace(name)[4:]
			}
			return name + "[:]" + m[at+1:]
		})
		if next == s {
			return s
		}
		s = next
	}
	return strings.ReplaceAll(s, ":", "[:]")
}

// Live reports whether a text has something that software takes for a URL.
func Live(s string) bool { return scheme.MatchString(s) }
