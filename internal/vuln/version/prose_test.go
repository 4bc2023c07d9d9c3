package version

import (
	"strings"
	"testing"
)

// TestProse reads the same few sets in the many words that advisories have for them,
// and holds 0.9, 1.0, 1.5, 2.7, 2.8 and 3.0 against each: i inside, . outside, ? not
// sure. What is not understood must not be sure.
func TestProse(t *testing.T) {
	for want, list := range map[string]string{
		"iiii..": `prior to 2.8|before v2.8|earlier than 2.8|versions earlier than version 2.8|all versions before 2.8|All firmware versions prior to 2.8|version(s) prior to 2.8|lower than 2.8|less than 2.8|smaller than 2.8|below 2.8
under 2.8|versions under 2.8|up to but not including 2.8|up to 2.8 (excluding)|up to 2.8 (exclusive)|all builds prior to 2.8|< 2.8 (32 bit)|(,2.8)|prior to 2.8, fixed in 2.8|< 2.8 (fixed in 2.8)
up to (including) 2.7|up to, and including, 2.7|up to and including 2.7|All versions up to and including 2.7|up to 2.7 (including)|up to 2.7|up to version 2.7|Versions up to 2.7|≤ 2.7|=< 2.7|<= 2.7 inclusive
2.7 and below|2.7 or older|2.7 and lower|2.7 (and earlier)|2.7(and earlier)|2.7 and all previous versions|Version 2.7 & prior|2.7 or below|"2.7" and prior|“2.7” and earlier|ver.2.7 or earlier|Release 2.7 and earlier
not later than 2.7|no later than 2.7|not newer than 2.7|no higher than 2.7|at most 2.7|less than or equal to 2.7|firmware version 2.7 (build 123) and earlier|(,2.7]|[0,2.8)`,
		".iii..": `versions 1.0 through 2.7|1.0 thru 2.7|1.0 to 2.7 inclusive|from 1.0 to 2.7 (inclusive)|from 1.0 to 2.7|from 1.0 up to 2.7|1.0 up to 2.7|1.0 up to and including 2.7|between 1.0 and 2.7|between 1.0 and 2.7 inclusive
1.0-2.7|1.0 – 2.7|V1.0 - V2.7|1.0 .. 2.7|1.0..2.7|1.0 ~ 2.7|>= 1.0, < 2.8|>=1.0,<2.8|>=1.0 && <2.8|≥1.0 and <2.8|>= 1.0 and < 2.8|< 2.8 and >= 1.0|<2.8 and >=1.0|<= 2.7 & >= 1.0|all versions prior to 2.8 and at least 1.0
from 1.0 up to but not including 2.8|from 1.0 (including) up to 2.8 (excluding)|1.0 to before 2.8|1.0 < 2.8|1.0 <= 2.7|[1.0,2.8)|[1.0, 2.7]|[1.0;2.8)|vers:generic/>=1.0\|<2.8`,
		"..ii..": `all versions prior to 2.8 and later than 1.0|from 1.0 (excluding) up to 2.7|(1.0,2.8)|> 1.0 and < 2.8`,
		".iiiii": `1.0 or later|1.0 and above|1.0 and newer|1.0 or higher|1.0 onwards|since 1.0|starting with 1.0|starting from version 1.0|from version 1.0|from 1.0|at least 1.0|no earlier than 1.0|not older than 1.0|1.0+|greater than or equal to 1.0|[1.0,)`,
		"..iiii": `newer than 1.0|later than 1.0|after 1.0|above 1.0|(1.0,)`,
		"...ii.": `2.x|V2.x|2.*|All 2.x versions|all V2.x versions`,
		"...i..": `2.x prior to 2.8|2.x < 2.8|2.0 series before 2.8|2.x versions before 2.8`,
		"iiiiii": `any|*|all|any version|all versions|all revisions|all firmware versions|< 1.0 or >= 1.0|vers:all/*`,
		"??????": `n/a|unknown|-|Not applicable|2.8 and later are not affected|unaffected from 2.8|not vulnerable: 2.8|fixed in 2.8|2.8 is fixed|patched in 2.8|2.7 only|all versions except 2.8|[unknown,2.8)|only with option X|all versions with Ethernet`,
	} {
		for text := range strings.SplitSeq(strings.ReplaceAll(strings.ReplaceAll(list, "\n", "|"), "\\|", "\x00"), "|") {
			text = strings.ReplaceAll(text, "\x00", "|")
			set := Parse(text)
			got := ""
			for _, v := range []string{"0.9", "1.0", "1.5", "2.7", "2.8", "3.0"} {
				switch at, _ := set.Locate(v); at {
				case Inside:
					got += "i"
				case NotSure, Unlisted: // of a list of single versions the others are not sure
					got += "?"
				case Above, Below, Between:
					got += "."
				}
			}
			if got != want {
				t.Errorf("%-40q %s, want %s: read as %s, not read %q", text, got, want, set.String(), set.Unread)
			}
		}
	}
	for _, text := range []string{"V2.7 and prior on Windows", "< V2.8 with option X", "1.0 < 2.8 if it is enabled"} { // a condition is never sure
		set := Parse(text)
		if at, _ := set.Locate("1.5"); at != NotSure {
			t.Errorf("%q: 1.5 is %d: %s", text, at, set.String())
		}
	}
}
