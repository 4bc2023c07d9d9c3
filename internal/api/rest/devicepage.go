package rest

import (
	"net/http"
	"time"

	"vedette/internal/api"
	"vedette/internal/fault"
	language "vedette/internal/query"
)

// deviceBehaviour tells what a device did beside what is usual of it: ?last= is how far
// back from the newest event, a day without it.
func deviceBehaviour(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	wish := api.DeviceSpanWish{Device: d.UID}
	if text := r.URL.Query().Get("last"); text != "" {
		if wish.Span, err = language.ParseDuration(text); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading last").WithHint("such as 24h or 7d")
		}
		if wish.Span < time.Hour {
			return nil, fault.New(fault.Invalid, "behaviour over less than an hour").WithHint("such as 24h or 7d")
		}
	}
	return s.DeviceBehaviour(r.Context(), wish)
}

// devicePolicy is what a device may be allowed by what it was seen to do;
// ?format=mud gives it as a MUD file.
func devicePolicy(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	switch format := r.URL.Query().Get("format"); format {
	case "":
		return s.DeviceMUD(r.Context(), d.UID)
	case "mud":
	default:
		return nil, fault.New(fault.Invalid, "a policy cannot be had as %.40q", format).WithHint("mud, or nothing")
	}
	f, err := s.DeviceMUDFile(r.Context(), d.UID)
	if err != nil {
		return nil, err
	}
	call := api.ReadCall{Person: person(r).Name, Door: "rest", Tool: "device.mud", Bytes: len(f.Data)}
	if err := s.RecordRead(r.Context(), call); err != nil { // what is not on record is not handed out
		return nil, err
	}
	return file{f.Name, f.Kind, f.Data}, nil
}

func deviceChanges(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	list, err := s.DeviceChanges(r.Context(), d.UID)
	return Page[api.DeviceChange]{Rows: list, Total: len(list)}, err
}

func deviceLife(s *server, r *http.Request) (any, error) {
	d, err := visible(s, r)
	if err != nil {
		return nil, err
	}
	return s.DeviceLife(r.Context(), d.UID)
}
