//go:build !unix

package duckdb

import "os"

// lockFile leaves it to DuckDB, which locks its database file itself.
func lockFile(*os.File) error { return nil }
