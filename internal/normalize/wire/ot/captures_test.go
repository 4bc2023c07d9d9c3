package ot_test

import (
	"io/fs"
	"strings"
	"testing"
)

// spoken says which protocol the captures of a folder hold. Left out are
// folders of protocols that are not decoded: MELSEC has only MELSOFT, which its
// maker keeps to itself, and Zigbee is no network of ours.
var spoken = map[string]string{
	"BACnet": "bacnet", "C37.118": "synchrophasor", "CIP": "cip", "EthernetIP": "cip", "IEC60870-5-104": "iec104", "IEC61850": "mms goose cotp",
	"ModbusTCP": "modbus", "OPC": "opcua", "beckoff": "ads", "dnp3": "dnp3", "fox": "fox", "hart": "hart_ip", "omron": "omron_fins",
	"profinet": "profinet", "s7": "s7comm s7comm_plus",
}

// silent are captures that hold nothing of what their folder is named after.
var silent = []string{
	"m-send-req.mms.pcap",       // multimedia messages, of the same short name
	"profinet/profinet.pcap",    // a remote procedure call of PROFINET over UDP
	"s7/S7Comm/wrapup.pcapng",   // a session of C37.118 among others, none of S7
	"conformance/6.6.2.4/dump.", // frames whose checksums are wrong on purpose
}

// empty is the length of a capture without packets.
const empty = 24

func TestSharedCaptures(t *testing.T) {
	z := sharedZip(t, "net/ics-pcaps.zip")
	counts := map[string]int{}
	for _, f := range z.File {
		name := f.Name
		if !strings.HasSuffix(name, ".pcap") && !strings.HasSuffix(name, ".pcapng") || f.UncompressedSize64 <= empty {
			continue
		}
		folder, want := "", ""
		for part := range strings.SplitSeq(name, "/") {
			if spoken[part] != "" && folder == "" {
				folder, want = part, spoken[part]
			}
		}
		if folder == "" {
			continue
		}
		found := 0
		for _, e := range decode(t, fs.FS(z), name) {
			if p := e.ICSProtocol(); p != "" && strings.Contains(" "+want+" ", " "+p+" ") {
				found++
			}
		}
		counts[folder] += found
		if found == 0 && !known(name) {
			t.Errorf("%s: no event of %s", name, want)
		}
	}
	for folder := range spoken {
		t.Logf("%-16s %-22s %6d events", folder, spoken[folder], counts[folder])
		if counts[folder] == 0 {
			t.Errorf("folder %s gives nothing", folder)
		}
	}
}

func known(name string) bool {
	for _, s := range silent {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}
