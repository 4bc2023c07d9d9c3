package content

import _ "embed"

//go:embed lexicon/lexicon.txt
var lexicon string

// Lexicon returns the vocabulary of the built-in planner, which package
// copilot/reading reads.
func Lexicon() string { return lexicon }
