package record_test

import (
	"testing"
	"time"

	"vedette/internal/event"
	"vedette/internal/normalize/record"
)

// TestNobodyWritesOurFindings: what a record says of itself never makes it one
// of our findings, which judgement and questions about events pass over.
func TestNobodyWritesOurFindings(t *testing.T) {
	for _, c := range [][4]string{
		{"vedette-detect", "vedette-detect/sigma", "vedette-detect (imported)", "imported/sigma"},
		{"Vedette-Detect", "VEDETTE-DETECT/x", "Vedette-Detect (imported)", "imported/x"},
		{"suricata", "suricata/alert", "suricata", "suricata/alert"},
		{"vedette", "vedette-detect", "vedette", "vedette-detect"},
	} {
		e := new(event.Event)
		e.SetMetadataProduct(c[0])
		e.SetMetadataLogName(c[1])
		record.Finish(e, &record.Source{ID: "s", Name: "n"}, record.Record{Raw: []byte("x")}, "x", 0, time.Unix(1e9, 0))
		if e.MetadataProduct() != c[2] || e.MetadataLogName() != c[3] {
			t.Errorf("%s %s became %s %s, want %s %s", c[0], c[1], e.MetadataProduct(), e.MetadataLogName(), c[2], c[3])
		}
	}
}
