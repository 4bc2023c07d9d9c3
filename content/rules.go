package content

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed rules
var rules embed.FS

//go:embed credentials/ics-accounts.txt
var icsAccounts string

// Rules returns the built-in detection rules with their tests, one file a rule
// in a folder for its area, which package detect/sigma reads.
func Rules() fs.FS {
	dir, err := fs.Sub(rules, "rules")
	if err != nil {
		return rules // cannot be: the folder is embedded
	}
	return dir
}

// RuleValues returns the values of the placeholders that the built-in rules
// name: ics_default_accounts are accounts that control products ship with.
func RuleValues() map[string][]string {
	var accounts []string
	for line := range strings.Lines(icsAccounts) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			accounts = append(accounts, line)
		}
	}
	return map[string][]string{"ics_default_accounts": accounts}
}
