package correlate

// Rank is for tests.
func Rank(tactic string) int { return rank(tactic) }
