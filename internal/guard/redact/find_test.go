package redact_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"vedette/internal/guard/redact"
)

// TestFind: one text for each kind, with what must be found in it; texts of
// the plain kind must be left alone.
func TestFind(t *testing.T) {
	for text, want := range map[string][]string{
		"My name is Ilse Wiśniewska.":                          {"PERSON Ilse Wiśniewska"},
		"Dear Mr. Okafor, the pump is back.":                   {"TITLE Mr.", "PERSON Okafor"},
		"write to anna.meier@plant.example today":              {"EMAIL_ADDRESS anna.meier@plant.example"},
		"call +44 20 7946 0958 or (602) 272-9781":              {"PHONE_NUMBER +44 20 7946 0958", "PHONE_NUMBER (602) 272-9781"},
		"she lives at 14 Hawthorn Road, Leeds":                 {"STREET_ADDRESS 14 Hawthorn Road, Leeds"},
		"Our office is at Lindenstraße 17, 10969 Berlin":       {"STREET_ADDRESS Lindenstraße 17, 10969 Berlin"},
		"card 4111 1111 1111 1111 expired":                     {"CREDIT_CARD 4111 1111 1111 1111"},
		"pay to DE89 3704 0044 0532 0130 00":                   {"IBAN_CODE DE89 3704 0044 0532 0130 00"},
		"SSN: 078-05-1120":                                     {"US_SSN 078-05-1120"},
		"I was born in Portugal":                               {"GPE Portugal"},
		"he just turned 47":                                    {"AGE 47"},
		"from 192.0.2.7 and 2001:db8::7 and 00:1A:2b:3c:4d:5e": {"IP_ADDRESS 192.0.2.7", "IP_ADDRESS 2001:db8::7", "MAC_ADDRESS 00:1A:2b:3c:4d:5e"},
		"see https://wiki.plant.example/page?id=3 for it":      {"DOMAIN_NAME https://wiki.plant.example/page?id=3"},
		"host=hist-02 user=kweber session opened":              {"HOST_NAME hist-02", "USER_NAME kweber"},
		"Failed password for invalid user oracle77 from there": {"USER_NAME oracle77"},
		"serial number: 6ES7-4711-X, imei 490154203237518":     {"SERIAL_NUMBER 6ES7-4711-X", "SERIAL_NUMBER 490154203237518"},
		"passport number C01X00T47":                            {"ID_NUMBER C01X00T47"},
		"the password is hunter2!":                             {"SECRET hunter2"},
		"I work for Brightwater Systems":                       {"ORGANIZATION Brightwater Systems"},
		"The pump was stopped and the valve closed.":           nil,
		"Write single coil refused, controller in run mode":    nil,
		"2 of 3 sensors are above the limit for 120 seconds":   nil,
		"version 3.20.1 of the firmware was installed":         nil,
	} {
		var got []string
		for _, s := range redact.Find(text) {
			got = append(got, s.Type+" "+text[s.Start:s.End])
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestChecksums: a number whose check digit is wrong is no card and no IBAN.
func TestChecksums(t *testing.T) {
	for _, text := range []string{"order 4111111111111112 shipped", "ref DE88370400440532013000 ok"} {
		for _, s := range redact.Find(text) {
			if s.Type == redact.Card || s.Type == redact.IBAN {
				t.Errorf("%q has a %s", text, s.Type)
			}
		}
	}
}

// FuzzFind: spans are in order, inside the text, whole characters, without
// overlaps; masking leaves what is outside them.
func FuzzFind(f *testing.F) {
	for _, s := range []string{"", "My name is Ilse", "the corner of A St. and B", "password=", "\xff@\xfe.com", "1.2.3.4:5", "ＤＥ89", strings.Repeat("Anna ", 50), "Apt. 1\n\n, X", "日本 user 山田"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return
		}
		spans := redact.Find(text)
		at := 0
		for _, s := range spans {
			if s.Start < at || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("%q: span %+v behind %d", text, s, at)
			}
			if utf8.ValidString(text) && (!utf8.RuneStart(text[s.Start]) || s.End < len(text) && !utf8.RuneStart(text[s.End])) {
				t.Fatalf("%q: span %+v cuts a character", text, s)
			}
			at = s.End
		}
		if len(spans) == 0 && redact.Mask(text, spans) != text {
			t.Fatal("changed without a span")
		}
		redact.NewVaultOf([]byte("k"), redact.Compile(site)).Hide("", text)
	})
}
