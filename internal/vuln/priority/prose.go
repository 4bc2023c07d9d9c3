package priority

import (
	"regexp"

	"vedette/internal/vuln/match"
)

// Where no CVSS vector tells, the words of the record do, as far as they are plain:
// that the attacker gets to run code or commands, gets privileges or past the login;
// that memory is written where it must not be; that nobody has to sign in. What a
// record writes is untrusted: the most that a lie gains is another place in a list.
var (
	control = regexp.MustCompile(`(?i)(execut|inject|run)\w*( of)?( an?y?)?( malicious| arbitrary| remote| system| os| shell| operating system| unauthorized)*( code| commands?\b)` +
		`|(code|command) execution|\brce\b|(command|code) injection|unrestricted (file )?upload|(gain|escalat|elevat)\w*( of| their)?( \w+){0,2} privileges?|privilege escalation|(gain|obtain)\w* root|root (access|shell|privilege)` +
		`|bypass\w*( of)?( the)? (authentication|login)|authentication bypass|hard-?coded (password|credential)`)
	written = regexp.MustCompile(`(?i)overflow|under(run|flow|write)|out[- ]of[- ]bounds write|use[- ]after[- ]free|double free|memory corruption`)
	stopped = regexp.MustCompile(`(?i)denial[- ]of[- ]service|\bdos\b|crash|out[- ]of[- ]bounds read|over-?read`)
	anyone  = regexp.MustCompile(`(?i)unauthenticated|without (any )?(authenticat|authoriz|login|credential)\w*|pre-?auth|remote attack|remote (code|denial|escalation|information)[^.]*no additional execution privileges`)
	someone = regexp.MustCompile(`(?i)\bauthenticated|local (user|attack)|physical|adjacent|(user|human) interaction|victim|logged[- ]in|\badmin|(difficult|hard) to exploit|privileged attack|crafted (\w+ )?(file|page|document|image|link|html|media)|cross[- ]site|man[- ]in[- ]the[- ]middle|trick|renderer`)
	// unneeded says that what someone names is not wanted.
	unneeded = regexp.MustCompile(`(?i)(user|human) interaction is not needed|(no|without) (user|human) interaction`)
)

// maxProse bounds what is looked through of one record.
const maxProse = 8000

// prose is what the sources say of a vulnerability in words: the first that says
// anything.
func prose(abouts []match.About) (text, source string) {
	for _, a := range abouts {
		if text = a.Vulnerability.Title + " " + a.Vulnerability.Text; len(text) > 1 {
			return text[:min(len(text), maxProse)], "the words of " + a.Advisory.ID
		}
	}
	return "", ""
}

// impactInWords tells whether the words say that the attacker gets control.
func impactInWords(abouts []match.About) (value, why string) {
	text, source := prose(abouts)
	switch {
	case control.MatchString(text):
		return "total", "code, commands, privileges or the login are the attacker's (" + source + "; no CVSS vector tells)"
	case written.MatchString(text) && !stopped.MatchString(text):
		return "total", "memory is written where it must not be, and no less is said of it (" + source + "; no CVSS vector tells)"
	}
	return "partial", "no CVSS vector tells"
}

// automatableInWords tells whether the words say that nobody has to sign in.
func automatableInWords(abouts []match.About) (value, why string) {
	text, source := prose(abouts)
	if text = unneeded.ReplaceAllString(text, ""); anyone.MatchString(text) && !someone.MatchString(text) {
		return "yes", "without signing in (" + source + "; no CVSS vector tells)"
	}
	return "no", "no CVSS vector tells"
}
