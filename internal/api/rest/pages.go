package rest

import (
	"net/http"
	"slices"
	"strconv"

	"vedette/internal/fault"
)

// Page is a part of a list.
type Page[T any] struct {
	Rows  []T    `json:"rows"`
	Total int    `json:"total"`
	Next  string `json:"next,omitempty"` // cursor of the next page; absent at the end
}

// pageOf cuts the page that a request asks for. key is what a row is known by:
// rows must be in its order, and a cursor is the last key that was shown, so that
// rows that come or go meanwhile neither repeat nor hide others.
func pageOf[T any](r *http.Request, rows []T, key func(T) string) (Page[T], error) {
	limit := pageRows
	if text := r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxRows {
			return Page[T]{}, fault.New(fault.Invalid, "limit is %.20q", text).WithHint("1 to %d", maxRows)
		}
		limit = n
	}
	out := Page[T]{Rows: []T{}, Total: len(rows)}
	start := 0
	if after := r.URL.Query().Get("cursor"); after != "" {
		start, _ = slices.BinarySearchFunc(rows, after, func(row T, after string) int {
			if key(row) <= after {
				return -1
			}
			return 1
		})
	}
	end := min(start+limit, len(rows))
	if out.Rows = append(out.Rows, rows[start:end]...); end < len(rows) {
		out.Next = key(rows[end-1])
	}
	return out, nil
}

// placeOf reads the cursor and size of a page of rows whose order tells
// something; the cursor is the place of the first row.
func placeOf(r *http.Request) (offset, limit int, err error) {
	offset, limit = 0, pageRows
	for name, into := range map[string]*int{"cursor": &offset, "limit": &limit} {
		if text := r.URL.Query().Get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || name == "limit" && (n < 1 || n > maxRows) {
				return 0, 0, fault.New(fault.Invalid, "%s is %.20q", name, text).WithHint("limit: 1 to %d; cursor: what the page before gave as next", maxRows)
			}
			*into = n
		}
	}
	return offset, limit, nil
}

// pageAt cuts a page at the place that a request asks for.
func pageAt[T any](r *http.Request, list []T) (Page[T], error) {
	offset, limit, err := placeOf(r)
	if err != nil {
		return Page[T]{}, err
	}
	start := min(offset, len(list))
	end := min(start+limit, len(list))
	out := Page[T]{Rows: slices.Clone(list[start:end]), Total: len(list)}
	if out.Rows == nil {
		out.Rows = []T{}
	}
	if end < len(list) {
		out.Next = strconv.Itoa(end)
	}
	return out, nil
}
