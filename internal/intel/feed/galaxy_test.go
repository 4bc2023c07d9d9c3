package feed

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"vedette/internal/intel"
)

// TestGalaxies: clusters of events and attributes tell what stands behind an
// attribute, and those of one attribute nothing of another.
func TestGalaxies(t *testing.T) {
	const text = `{"Event":{"info":"x","Galaxy":[
	 {"type":"threat-actor","GalaxyCluster":[{"value":"Sandworm","meta":[]}]},
	 {"type":"malpedia","GalaxyCluster":[{"value":"Industroyer"}]},
	 {"type":"mitre-attack-pattern","GalaxyCluster":[{"value":"Brute Force - T1110"},{"value":"Denial of Service","meta":{"external_id":["T0814"]}}]}],
	 "Tag":[{"name":"misp-galaxy:mitre-ics-techniques=\"Unauthorized Command Message\""},{"name":"tlp:green"}],
	 "Attribute":[
	  {"type":"ip-dst","value":"45.9.9.9","to_ids":true,"Galaxy":[{"type":"mitre-campaign","GalaxyCluster":[{"value":"2022 Ukraine"}]}]},
	  {"type":"ip-dst","value":"45.9.9.10","to_ids":true,"Tag":[{"name":"misp-galaxy:mitre-attack-pattern=\"Exploit Public-Facing Application - T1190\""}]},
	  {"type":"ip-dst","value":"45.9.9.11","to_ids":true}]}}`
	var got []string
	_, err := Read(context.Background(), Document{Name: "x", Reader: strings.NewReader(text)}, Options{Source: "x"}, func(in intel.Indicator) error {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s|%s", in.Value, in.Family, in.Campaign, in.Actor, in.Techniques, in.TLP))
		return nil
	})
	want := []string{
		"45.9.9.9|Industroyer|2022 Ukraine|Sandworm|T0814, T1110, Unauthorized Command Message|green",
		"45.9.9.10|Industroyer||Sandworm|T0814, T1110, T1190, Unauthorized Command Message|green",
		"45.9.9.11|Industroyer||Sandworm|T0814, T1110, Unauthorized Command Message|green",
	}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v\n%s\nwant\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
