// Package normalize turns what devices and their tools write into events: one
// parser per dialect, each lossless (what the schema does not know is kept as
// an extra, and the raw bytes are kept too).
//
// A family of dialects is a package below this one; package record has what
// they share. Here is the list of them.
//
// It must not do I/O: package ingest reads, normalize understands. Every
// parser has a fuzz target, and every byte it reads is untrusted.
package normalize

import "vedette/internal/normalize/record"

// Parser is [record.Parser].
type Parser = record.Parser

// Ender is [record.Ender].
type Ender = record.Ender

// Record is [record.Record].
type Record = record.Record

// Dialect is [record.Dialect].
type Dialect = record.Dialect

// Source is [record.Source].
type Source = record.Source
