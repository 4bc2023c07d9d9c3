package vulneval_test

import (
	"testing"

	"vedette/content"
	"vedette/internal/vuln/advisory"
	"vedette/internal/vuln/match"
	"vedette/internal/vuln/schema"
)

// BenchmarkMatch asks for one product in one version, with the CSAF advisories
// of the development set in the index; BenchmarkMiss for one that nobody names,
// as most parts of a bill are.
func BenchmarkMatch(b *testing.B) {
	index := benchIndex(b)
	for _, q := range []struct {
		name string
		match.Query
	}{
		{"hit", match.Query{Vendor: "Phoenix Contact", Product: "TC ROUTER 3002T-4G", Version: "2.07.1"}},
		{"number", match.Query{Vendor: "Siemens", Product: "6ES7511-1AK02-0AB0", Version: "2.8"}},
		{"miss", match.Query{Vendor: "GNU", Product: "coreutils", Version: "9.1"}},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				index.Match(q.Query)
			}
		})
	}
}

func benchIndex(b *testing.B) *match.Index {
	b.Helper()
	index, schemas := match.New(match.ParseAliases(content.Vendors())), schema.New()
	for _, name := range []string{"csaf/cisa-ot-2022.zip", "csaf/cisa-ot-2023.zip"} {
		eachFile(b, shared(b, name), func(name string, data []byte) {
			a, err := advisory.Read(data, schemas)
			if err != nil {
				b.Fatalf("%s: %v", name, err)
			}
			index.Add(a)
		})
	}
	return index
}
