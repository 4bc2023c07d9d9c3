package query

// Dialect is what differs between the SQL of the engines, as templates whose
// %s are SQL expressions and whose ? are parameters, and only they: some drivers
// look for ? inside of literals too. Everything else that
// [Compile] writes is SQL that DuckDB and ClickHouse share; no window functions.
type Dialect struct {
	Name string

	TimeArg   string // nanoseconds since 1970 (int64) → time
	Nanos     string // time → nanoseconds
	FromNanos string // nanoseconds → time
	Bucket    string // nanoseconds, width (int64), width: the start of the bucket in nanoseconds
	KeyArg    string // decimal text → unsigned 64-bit number

	NotTrue  string // condition → true where it is false or missing
	Lower    string
	Contains string // text, part
	Prefix   string
	Suffix   string
	ToInt    string // text → int64, missing if it is none
	ToFloat  string // text → float64, missing if it is none or is not written as a plain decimal number
	Double   string // number → float64

	DocText func(name string) (template string, arg string) // document → text under a key
	DocList func(name string) (template string, arg string) // document → list under a key

	ListHas         string // list, value
	ListAny         string // list, condition on the member m
	Members         string // list → one row for each different member, one missing for none
	SumInt          string // whole numbers → whole number, saturated
	Distinct        string // values → how many different ones
	DistinctMembers string
	Quantile        string // values, part from 0 to 1 as a literal

	// AsOf is the join that keeps, for each row of the left, the nearest of the
	// rows of the right that its last, unequal condition allows; LeftAsOf also
	// keeps rows of the left without one.
	AsOf, LeftAsOf string

	// Edge, if the engine can, is the nth greatest of times in nanoseconds, or the
	// least of them if there are fewer; missing if a time is. n is a literal.
	Edge string

	// Once, if the engine can, gives the result of a relation a name for the query
	// after it, so that what is needed twice is computed once: name, relation.
	Once string
}

// DuckDB is the dialect of DuckDB 1.5.
func DuckDB() *Dialect {
	return &Dialect{
		Name:      "duckdb",
		TimeArg:   "make_timestamp_ns(CAST(? AS BIGINT))",
		Nanos:     "epoch_ns(%s)",
		FromNanos: "make_timestamp_ns(%s)",
		Bucket:    "%[1]s - ((%[1]s %% CAST(? AS BIGINT)) + CAST(? AS BIGINT)) %% CAST(? AS BIGINT)",
		KeyArg:    "CAST(? AS UBIGINT)",
		NotTrue:   "(%s) IS NOT TRUE",
		Lower:     "lower(%s)",
		Contains:  "contains(%s, %s)",
		Prefix:    "starts_with(%s, %s)",
		Suffix:    "suffix(%s, %s)",
		ToInt:     "TRY_CAST(%s AS BIGINT)",
		ToFloat:   `nullif(nullif(TRY_CAST(regexp_extract(%s, '^[+-]{0,1}[0-9]+([.][0-9]+){0,1}([eE][+-]{0,1}[0-9]+){0,1}$') AS DOUBLE), CAST('inf' AS DOUBLE)), CAST('-inf' AS DOUBLE))`,
		Double:    "CAST(%s AS DOUBLE)",
		DocText: func(name string) (string, string) {
			return "json_extract_string(%s, CAST(? AS VARCHAR))", pointer(name)
		},
		DocList: func(name string) (string, string) {
			return "TRY_CAST(json_extract(%s, CAST(? AS VARCHAR)) AS VARCHAR[])", pointer(name)
		},
		ListHas:         "list_contains(%s, %s)",
		ListAny:         "len(list_filter(%s, lambda m: %s)) > 0",
		Members:         "unnest(coalesce(nullif(list_distinct(%s), []), [NULL]))",
		SumInt:          "CAST(CASE WHEN sum(%[1]s) > 9223372036854775807 THEN 9223372036854775807 WHEN sum(%[1]s) < -9223372036854775808 THEN -9223372036854775808 ELSE sum(%[1]s) END AS BIGINT)",
		Distinct:        "count(DISTINCT %s)",
		DistinctMembers: "coalesce(len(list_distinct(flatten(list(%s)))), 0)",
		Quantile:        "quantile_cont(CAST(%s AS DOUBLE), %s)",
		AsOf:            "ASOF JOIN",
		LeftAsOf:        "ASOF LEFT JOIN",
		Edge:            "CASE WHEN count(%[1]s) = count(*) THEN epoch_ns(list_min(max(%[1]s, %[2]d))) END",
		Once:            "%s AS MATERIALIZED (%s)",
	}
}

// pointer is the JSON pointer (RFC 6901) of a top-level key.
func pointer(key string) string {
	b := make([]byte, 0, len(key)+1)
	b = append(b, '/')
	for i := range len(key) {
		switch key[i] {
		case '~':
			b = append(b, "~0"...)
		case '/':
			b = append(b, "~1"...)
		default:
			b = append(b, key[i])
		}
	}
	return string(b)
}
