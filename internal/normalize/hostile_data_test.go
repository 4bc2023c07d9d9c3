package normalize_test

import "strings"

const ocsfTop = `{"class_uid":4001,"severity_id":1,"src_endpoint":{"ip":"192.0.2.7"}`

func hostileOCSF() []attack {
	return []attack{
		{name: "the class twice", data: ocsfTop + `,"class_uid":2004}`, check: extra("class_uid", "2004")},
		{name: "a class of text", data: `{"class_uid":"x","severity_id":1}`, refused: "class_uid"},
		{name: "a class out of range", data: `{"class_uid":99999999999,"severity_id":1}`, refused: "class_uid"},
		{name: "fields of ours", data: ocsfTop + `,"metadata":{"uid":"x"},"label":{"integrity":"operator"}}`, check: extra("label.integrity", "operator")},
		{name: "year 9999", data: ocsfTop + `,"time":253402300799000}`, check: suspect},
		{name: "a time of text", data: ocsfTop + `,"time":"x"}`, check: suspect},
		{name: "many answers", data: ocsfTop + `,"answers":[` + strings.Repeat(`{"rdata":"a"},`, 1000) + `{"rdata":"b"}]}`, check: source},
		{name: "deep", data: strings.Repeat(`{"a":`, 1000), refused: "nested"},
	}
}

func hostileFlows(dialect string) []attack {
	top := "ts,te,td,sa,da,sp,dp,pr\n"
	row := "2025-05-20 10:00:00,x,1,192.0.2.7"
	if dialect == "argus" {
		top = "StartTime,Dur,Proto,State,DstAddr,Sport,SrcAddr\n"
		row = "2025/05/20 10:00:00,1,tcp,S_,192.0.2.8,1,192.0.2.7"
	}
	return []attack{
		{name: "an address of text", data: top + row, check: source},
		{name: "more columns than named", data: top + strings.Repeat("a,", 1000), refused: "columns where"},
		{name: "many columns", data: strings.Repeat("a,", 100_000) + "\n" + strings.Repeat("b,", 100_000), refused: "columns where"},
		{name: "year 9999", data: top + strings.Replace(row, "2025", "9999", 1), check: suspect},
		{name: "a broken row", data: top + "x", refused: "columns where"},
	}
}
