package normalize

// Dialects is the list of all formats that can be read. A new one is added
// here and nowhere else; see docs/new-parser.md.
func Dialects() []Dialect {
	return []Dialect{Capture(), ZeekTSV(), ZeekJSON(), EVE(), Syslog(), Text()}
}
