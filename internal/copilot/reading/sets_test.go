package reading

import (
	"strings"
	"testing"
)

func TestSets(t *testing.T) {
	for question, want := range map[string]string{
		"which addresses failed to log in as root and also as admin?":                           `authentication src_endpoint.ip exists activity_name=Logon status=Failure (user.name=root or user.name=admin) | by src_endpoint.ip, src_endpoint.name count as "events of the first" where (user.name=root), count as "events of the second" where (user.name=admin) | having "events of the first">0, "events of the second">0 | sort "events of the first" desc | limit 1000`,
		"which sources connected only to port 502?":                                             `network_activity metadata.log_name=zeek/conn src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count as matching where (dst_endpoint.port=502), count as others where (not dst_endpoint.port=502) | having matching>0, others=0 | sort matching desc | limit 1000`,
		"median of the number of connections per source":                                        `network_activity metadata.log_name=zeek/conn src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count, median_of(count) | sort count desc | limit 1`,
		"ratio of tcp connections to udp connections":                                           `network_activity metadata.log_name=zeek/conn | count as tcp where (connection_info.protocol_name=tcp), count as udp where (connection_info.protocol_name=udp), ratio(tcp, udp) as "times as many"`,
		"for the 3 sources with the most failed logins: how many different users did each try?": `authentication activity_name=Logon status=Failure src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count, distinct(user.name) | sort count desc | limit 3`,
		"of the tcp connections, what share is to port 502?":                                    `network_activity metadata.log_name=zeek/conn connection_info.protocol_name=tcp | count as part where (dst_endpoint.port=502), count as whole`,
		"which sources failed to log in only as root, never as any other user?":                 `authentication activity_name=Logon status=Failure src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count as matching where (user.name=root), count as others where (not user.name=root) | having matching>0, others=0 | sort matching desc | limit 1000`,
		"how many sources made tcp connections to port 502 and to no other port?":               `network_activity metadata.log_name=zeek/conn connection_info.protocol_name=tcp src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count as matching where (dst_endpoint.port=502), count as others where (not dst_endpoint.port=502) | having matching>0, others=0 | sort matching desc | limit 1000`,
		"for each user, how many different sources?":                                            `user.name exists | by user.name distinct(src_endpoint.ip) | sort distinct(src_endpoint.ip) desc | limit 1000`,
		"which sources had failed logins on more than one day?":                                 `authentication activity_name=Logon status=Failure src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count, days | having days>1 | sort count desc | limit 1000`,
		"which users failed to log in from at least 5 different addresses?":                     `authentication activity_name=Logon status=Failure user.name exists | by user.name distinct(src_endpoint.ip), count | having distinct(src_endpoint.ip)>=5 | sort distinct(src_endpoint.ip) desc | limit 1000`,
		"which sources connected to more than five different hosts?":                            `network_activity metadata.log_name=zeek/conn src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name distinct(dst_endpoint.ip), count | having distinct(dst_endpoint.ip)>5 | sort distinct(dst_endpoint.ip) desc | limit 1000`,
		"how many error lines are there?":                                                       `severity_id>=4 | count`,
		"on how many days did root fail to log in?":                                             `authentication activity_name=Logon user.name=root status=Failure | days`,
		"for which sources are there more tcp connections than udp connections?":                `network_activity metadata.log_name=zeek/conn src_endpoint.ip exists | by src_endpoint.ip, src_endpoint.name count as tcp where (connection_info.protocol_name=tcp), count as udp where (connection_info.protocol_name=udp), diff(tcp, udp) as difference | having difference>0 | sort difference desc | limit 1000`,
		"failed logins in October 2025":                                                         `authentication activity_name=Logon status=Failure from 2025-10-01T00:00:00Z to 2025-11-01T00:00:00Z | count`,
		"failed logins per day, 3 to 5 October 2025":                                            `authentication activity_name=Logon status=Failure from 2025-10-03T00:00:00Z to 2025-10-06T00:00:00Z | every 24h count | sort time | limit 1000`,
		"for my shift report: how many failed logins were there?":                               `authentication activity_name=Logon status=Failure | count`,
	} {
		r := read(t, plant(), question, nil)
		if got := planOf(r); got != want || r.Status != Understood {
			t.Errorf("%q: %s\n got %s\nwant %s", question, r.Status, got, want)
		}
	}
}

func TestSetWithout(t *testing.T) {
	got := planOf(read(t, plant(), "which sources failed to log in as root but never as admin?", nil))
	if !strings.Contains(got, `"events of the first">0, "events of the other"=0`) {
		t.Errorf("the second clause is not left out: %s", got)
	}
}

// What is asked and has no part in the plan is said: no such answer is confident.
func TestWordsWithoutAPlaceAreSaid(t *testing.T) {
	for question, word := range map[string]string{
		"average failed logins": "average",
		"which domains were queried but never one with user agents?":                                           "but never",
		"which sources had ten or more failed logins within a single minute?":                                  "within a single minute",
		"which clients made at least 20 connections within one minute?":                                        "within one minute",
		"what percentage of the connections is there?":                                                         "percentage",
		"which domains were never looked up":                                                                   "never",
		"which sources had a failed login followed within 15 seconds by a failed login under a different user": "under a different user",
	} {
		r := read(t, plant(), question, nil)
		if r.Status == Understood || !strings.Contains(strings.Join(r.Unknown, ","), word) {
			t.Errorf("%q: %s, not understood: %v", question, r.Status, r.Unknown)
		}
	}
}
