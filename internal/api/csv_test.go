package api_test

import (
	"testing"

	"vedette/internal/api"
)

func TestCSV(t *testing.T) {
	rows := [][]string{{"=1+1", "@SUM(A1)", "-5.5", "+49 30 1", "\tx"}, {"plain", "a,b", "x\"y", "", "ä"}}
	got := string(api.CSV("x", []string{"a", "b", "c", "d", "e"}, rows).Data)
	want := "a,b,c,d,e\n'=1+1,'@SUM(A1),-5.5,'+49 30 1,'\tx\nplain,\"a,b\",\"x\"\"y\",,ä\n"
	if got != want {
		t.Errorf("%q", got)
	}
	if rows[0][0] != "=1+1" {
		t.Error("the rows were changed")
	}
}
