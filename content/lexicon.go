package content

import _ "embed"

//go:embed lexicon/lexicon.txt
var lexicon string

// Lexicon returns the vocabulary of the built-in planner, which package
// copilot/reading reads.
func Lexicon() string { return lexicon }

//go:embed lexicon/questions.txtar
var questions []byte

// Questions returns the questions with known answers that package eval scores.
func Questions() []byte { return questions }
