package advisory

import "strings"

// cweNames are the names of the weaknesses met most; the list of all does not
// ship.
var cweNames = map[string]string{
	"CWE-20":  "Improper Input Validation",
	"CWE-22":  "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",
	"CWE-77":  "Improper Neutralization of Special Elements used in a Command ('Command Injection')",
	"CWE-78":  "Improper Neutralization of Special Elements used in an OS Command ('OS Command Injection')",
	"CWE-79":  "Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')",
	"CWE-89":  "Improper Neutralization of Special Elements used in an SQL Command ('SQL Injection')",
	"CWE-94":  "Improper Control of Generation of Code ('Code Injection')",
	"CWE-125": "Out-of-bounds Read", "CWE-190": "Integer Overflow or Wraparound", "CWE-287": "Improper Authentication",
	"CWE-352": "Cross-Site Request Forgery (CSRF)", "CWE-416": "Use After Free", "CWE-476": "NULL Pointer Dereference",
	"CWE-502": "Deserialization of Untrusted Data", "CWE-787": "Out-of-bounds Write", "CWE-798": "Use of Hard-coded Credentials",
}

// languages are the two-letter codes of ISO 639-1.
var languages = func() map[string]bool {
	out := map[string]bool{}
	for code := range strings.FieldsSeq(`aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu
fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv
mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th
ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu`) {
		out[code] = true
	}
	return out
}()
