package rest

import (
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	"vedette/internal/intel/feed"
	"vedette/internal/intel/library"
	vulnlib "vedette/internal/vuln/library"
)

func deviceBills(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	list, err := s.DeviceBills(r.Context(), d.UID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

// deviceBill shows a bill only if it is one of the device's.
func deviceBill(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	list, err := s.DeviceBills(r.Context(), d.UID)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !slices.ContainsFunc(list, func(b api.BillEntry) bool { return b.ID == id }) {
		return nil, fault.New(fault.NotFound, "the device has no bill of materials %.40q", id)
	}
	return s.ShowBill(r.Context(), id)
}

func billList(s *server, r *http.Request) (any, error) {
	list, err := s.BillHistory(r.Context(), r.URL.Query().Get("subject"))
	if err != nil {
		return nil, err
	}
	return pageAt(r, list)
}

func oneBill(s *server, r *http.Request) (any, error) {
	return s.ShowBill(r.Context(), r.PathValue("id"))
}

func billDiff(s *server, r *http.Request) (any, error) {
	before, after := r.URL.Query().Get("before"), r.URL.Query().Get("after")
	if before == "" || after == "" {
		return nil, fault.New(fault.Invalid, "two bills are compared, by their ids").WithHint("give before and after")
	}
	return s.DiffBills(r.Context(), before, after)
}

func takeBill(s *server, r *http.Request) (any, error) {
	ask := r.URL.Query()
	req := api.VulnImport{Actor: person(r).Name, Device: ask.Get("device"), Product: ask.Get("product")}
	if req.Device != "" && req.Product != "" {
		return nil, fault.New(fault.Invalid, "a bill is of a device or of a product, not of both")
	}
	return uploaded(r, func(in io.Reader) (vulnlib.BillReport, error) { return s.ImportBills(r.Context(), req, in) })
}

func takeAdvisories(s *server, r *http.Request) (any, error) {
	req := api.VulnImport{Actor: person(r).Name}
	return uploaded(r, func(in io.Reader) (vulnlib.Report, error) { return s.ImportAdvisories(r.Context(), req, in) })
}

func advisoryFeeds(s *server, r *http.Request) (any, error) { return s.AdvisoryFeeds(r.Context()) }

func takeFeed(s *server, r *http.Request) (any, error) {
	confidence, err := numberOf(r, "confidence", 0, 100)
	if err != nil {
		return nil, err
	}
	days, err := numberOf(r, "days", 0, 3650)
	if err != nil {
		return nil, err
	}
	req := library.Request{Name: library.NameFor(nameOf(r)), Confidence: confidence, Expires: time.Duration(days) * 24 * time.Hour, By: person(r).Name}
	return uploaded(r, func(in io.Reader) (library.Report, error) { return s.ImportIntel(r.Context(), req, in) })
}

// nameOf is what a file is called, without the way to it.
func nameOf(r *http.Request) string {
	name := path.Base(strings.ReplaceAll(r.URL.Query().Get("name"), `\`, "/"))
	if name == "." || name == "/" || len(name) > 200 {
		return "upload"
	}
	return name
}

// uploaded hands the file of a request on as the stream that the libraries take:
// archives are opened, and what they unfold to is bounded as the body is.
func uploaded[T any](r *http.Request, take func(io.Reader) (T, error)) (T, error) {
	in, out := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := feed.PackStream(out, nameOf(r), http.MaxBytesReader(nil, r.Body, maxIngest))
		_ = out.CloseWithError(err)
		packed <- err
	}()
	rep, err := take(http.MaxBytesReader(nil, in, maxIngest))
	_ = in.Close() // what is left need not be packed
	if perr := <-packed; perr != nil && !errors.Is(perr, io.ErrClosedPipe) {
		err = perr
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		err = fault.Wrap(fault.Limited, err, "the file has more than %d MB", maxIngest>>20).WithHint("take it in with vedette sbom, advisories or intel import on the server")
	}
	return rep, err
}
