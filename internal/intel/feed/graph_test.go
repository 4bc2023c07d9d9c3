package feed_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vedette/internal/intel"
	"vedette/internal/intel/feed"
)

func rel(n int, kind, from, to string) string {
	return fmt.Sprintf(`{"type":"relationship","id":"relationship--%d","relationship_type":%q,"source_ref":%q,"target_ref":%q}`, n, kind, from, to)
}

func thing(id, name string, more ...string) string {
	kind, _, _ := strings.Cut(id, "--")
	return fmt.Sprintf(`{"type":%q,"id":%q,"name":%q%s}`, kind, id, name, strings.Join(more, ""))
}

func ioc(id, ip string) string {
	return fmt.Sprintf(`{"type":"indicator","id":"indicator--%s","pattern_type":"stix","pattern":"[ipv4-addr:value = '%s']"}`, id, ip)
}

// chains reads a bundle of objects.
func chains(t testing.TB, objects []string) map[string]string {
	t.Helper()
	out := map[string]string{}
	text := `{"type":"bundle","id":"bundle--1","objects":[` + strings.Join(objects, ",\n") + `]}`
	rep, err := feed.Read(t.Context(), strings.NewReader(text), feed.Options{}, func(in intel.Indicator) error {
		day := ""
		if !in.Sighted.IsZero() {
			day = in.Sighted.Format("2006-01-02")
		}
		out[in.Value] = fmt.Sprintf("%s|%s|%s|%s|%d %s", in.Family, in.Campaign, in.Actor, in.Techniques, in.Sightings, day)
		return nil
	})
	if err != nil || rep.Refused > 0 {
		t.Fatalf("%v %+v", err, rep)
	}
	return out
}

// TestChains: what stands behind an indicator is found along the relationships,
// whatever the order of the objects, and nothing that only its actor does besides.
func TestChains(t *testing.T) {
	objects := []string{
		ioc("1", "203.0.113.1"), ioc("2", "203.0.113.2"), ioc("3", "203.0.113.3"), ioc("4", "203.0.113.4"), ioc("5", "203.0.113.5"), ioc("6", "203.0.113.6"),
		thing("malware--a", "Industroyer"), thing("malware--b", "Industroyer2"), thing("malware--other", "Exaramel"), thing("tool--t", "Mimikatz"),
		thing("campaign--c", "Grid 2016"), thing("campaign--d", "Elsewhere"), thing("intrusion-set--s", "Sandworm"), thing("infrastructure--i", "C2 servers"),
		thing("attack-pattern--x", "Unauthorized Command Message", `,"external_references":[{"source_name":"other","external_id":"nonsense"},{"source_name":"mitre-attack","external_id":"T0855"}]`),
		thing("attack-pattern--y", "Manipulation of Control"), thing("attack-pattern--z", "Something else"),
		rel(1, "indicates", "indicator--1", "malware--b"), rel(2, "variant-of", "malware--b", "malware--a"), rel(3, "uses", "malware--a", "attack-pattern--x"),
		rel(4, "uses", "campaign--c", "malware--a"), rel(5, "attributed-to", "campaign--c", "intrusion-set--s"), rel(6, "uses", "intrusion-set--s", "attack-pattern--z"),
		rel(7, "uses", "intrusion-set--s", "malware--other"), rel(8, "uses", "campaign--c", "attack-pattern--y"),
		rel(9, "indicates", "indicator--2", "campaign--c"), rel(10, "indicates", "indicator--3", "intrusion-set--s"), rel(11, "indicates", "indicator--4", "attack-pattern--y"),
		rel(12, "indicates", "indicator--5", "infrastructure--i"), rel(13, "hosts", "infrastructure--i", "tool--t"), rel(14, "uses", "malware--a", "malware--b"),
		rel(15, "indicates", "indicator--1", "campaign--d"), rel(16, "related-to", "malware--b", "malware--other"), rel(17, "attributed-to", "campaign--c", "campaign--c"),
		rel(18, "uses", "malware--b", "malware--nowhere"),
		`{"type":"relationship","id":"relationship--99","relationship_type":"indicates","source_ref":"indicator--6","target_ref":"malware--a","revoked":true}`,
		`{"type":"sighting","id":"sighting--1","sighting_of_ref":"indicator--1","count":3,"last_seen":"2026-02-03T04:05:06Z"}`,
		`{"type":"sighting","id":"sighting--2","sighting_of_ref":"indicator--1","last_seen":"2026-02-01T00:00:00Z"}`,
	}
	want := map[string]string{
		"203.0.113.1": "Industroyer, Industroyer2|Elsewhere, Grid 2016|Sandworm|T0855|4 2026-02-03",
		"203.0.113.2": "Industroyer, Industroyer2|Grid 2016|Sandworm|Manipulation of Control, T0855|0 ",
		"203.0.113.3": "Sandworm||Sandworm||0 ",
		"203.0.113.4": "|||Manipulation of Control|0 ",
		"203.0.113.5": "Mimikatz||||0 ",
		"203.0.113.6": "||||0 ",
	}
	for range 20 {
		if diff := cmp.Diff(want, chains(t, objects)); diff != "" {
			t.Fatal(diff)
		}
		rand.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	}
}

// TestChainsBounded: a bundle in which all is joined with all takes no more than
// its share.
func TestChainsBounded(t *testing.T) {
	var objects []string
	for i := range 300 {
		objects = append(objects, thing(fmt.Sprintf("malware--%d", i), fmt.Sprintf("M%03d", i)))
		for k := range 100 {
			objects = append(objects, rel(i*100+k, "uses", fmt.Sprintf("malware--%d", i), fmt.Sprintf("malware--%d", (i*7+k*3)%300)))
		}
		objects = append(objects, ioc(fmt.Sprint(i), fmt.Sprintf("203.0.113.%d", i%250)), rel(100_000+i, "indicates", fmt.Sprintf("indicator--%d", i), fmt.Sprintf("malware--%d", i)))
	}
	got := chains(t, objects)
	if len(got) != 250 || len(got["203.0.113.7"]) > 400 || !strings.Contains(got["203.0.113.7"], "…") {
		t.Errorf("%d indicators, one is %q", len(got), got["203.0.113.7"])
	}
}

// BenchmarkSTIX reads 100 000 objects: indicators, what they indicate, what that
// is joined with, and sightings.
func BenchmarkSTIX(b *testing.B) {
	var objects []string
	for i := range 2000 {
		objects = append(objects, thing(fmt.Sprintf("malware--%d", i), fmt.Sprintf("Malware %d", i)), thing(fmt.Sprintf("campaign--%d", i), fmt.Sprintf("Campaign %d", i)), thing(fmt.Sprintf("intrusion-set--%d", i), fmt.Sprintf("Actor %d", i)))
		objects = append(objects, rel(i, "uses", fmt.Sprintf("campaign--%d", i), fmt.Sprintf("malware--%d", i)), rel(i, "attributed-to", fmt.Sprintf("campaign--%d", i), fmt.Sprintf("intrusion-set--%d", i%50)))
		objects = append(objects, thing(fmt.Sprintf("attack-pattern--%d", i), fmt.Sprintf("Technique %d", i)), rel(i, "uses", fmt.Sprintf("malware--%d", i), fmt.Sprintf("attack-pattern--%d", i*3%2000)))
	}
	for i := 0; len(objects) < 100_000; i++ {
		id := fmt.Sprint(i)
		objects = append(objects, ioc(id, fmt.Sprintf("203.%d.%d.%d", 1+i/60_000, i/250%240, 1+i%250)), rel(i, "indicates", "indicator--"+id, fmt.Sprintf("malware--%d", i%2000)))
		if i%3 == 0 {
			objects = append(objects, fmt.Sprintf(`{"type":"sighting","id":"sighting--%d","sighting_of_ref":"indicator--%d","count":2,"last_seen":"2026-02-03T04:05:06Z"}`, i, i))
		}
	}
	text := `{"type":"bundle","id":"bundle--1","objects":[` + strings.Join(objects, ",") + `]}`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		joined := 0
		_, err := feed.Read(b.Context(), strings.NewReader(text), feed.Options{}, func(in intel.Indicator) error {
			if in.Actor != "" && in.Techniques != "" && in.Family != "" {
				joined++
			}
			return nil
		})
		if err != nil || joined < 30_000 {
			b.Fatal(joined, err)
		}
	}
	b.ReportMetric(float64(len(objects)), "objects")
}
