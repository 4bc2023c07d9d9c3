package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Keeper looks after what is kept.
type Keeper interface {
	// Maintain seals the days that are over and applies retention, once.
	Maintain(ctx context.Context) (Upkeep, error)
	// Backup writes a consistent copy into a new directory; the path is
	// absolute.
	Backup(ctx context.Context, dir string) (Backup, error)
	// Check tells how things are; deep reads every sealed file whole. It
	// changes nothing.
	Check(ctx context.Context, deep bool) ([]Check, error)
}

// Upkeep is what one run of maintenance did.
type Upkeep struct {
	At       time.Time `json:"at"`
	Sealed   Moved     `json:"sealed"`
	TooOld   Moved     `json:"dropped_by_age"`
	TooLarge Moved     `json:"dropped_by_size"`
	Bytes    int64     `json:"bytes"`              // size of the data directory afterwards
	KeptFrom time.Time `json:"kept_from,omitzero"` // start of the oldest day that retention by age keeps
	Warning  string    `json:"warning,omitempty"`  // what it could not reach
	Error    string    `json:"error,omitempty"`    // why it ended early
	LastGood time.Time `json:"last_good,omitzero"` // when it last ended well
}

// Moved counts sealed days and events.
type Moved struct {
	Days   int   `json:"days"`
	Events int64 `json:"events"`
}

// Backup is what a backup holds; it is also the form of its manifest.
type Backup struct {
	Format   int          `json:"format"` // of the backup's layout, 1
	Version  string       `json:"version"`
	Time     time.Time    `json:"time"`
	Events   int64        `json:"events"`
	Devices  int64        `json:"devices"`
	Audit    int64        `json:"audit_entries"`
	Spooled  int64        `json:"spooled"`   // payloads of live sources that were not stored yet
	SetAside int64        `json:"set_aside"` // payloads that the program failed on
	Files    []BackupFile `json:"files"`
}

// BackupFile is one file of a backup.
type BackupFile struct {
	Path   string `json:"path"` // from the backup's directory, with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bytes adds up the files.
func (b Backup) Bytes() int64 {
	var sum int64
	for _, f := range b.Files {
		sum += f.Size
	}
	return sum
}

// State says how a check ended.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Warning State = "warning"
	Problem State = "problem"
)

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what to do about it
}

type backupRequest struct{ Dir string }

func keeper(mux *http.ServeMux, s Keeper) {
	mux.HandleFunc("POST /local/maintain", reply(func(r *http.Request) (any, error) { return s.Maintain(r.Context()) }))
	mux.HandleFunc("POST /local/backup", reply(func(r *http.Request) (any, error) {
		var req backupRequest
		if err := decode(r, &req); err != nil {
			return nil, err
		}
		return s.Backup(r.Context(), req.Dir)
	}))
	mux.HandleFunc("GET /local/check", reply(func(r *http.Request) (any, error) {
		deep, _ := strconv.ParseBool(r.URL.Query().Get("deep")) // absent or odd: no
		return s.Check(r.Context(), deep)
	}))
}

// Maintain implements [Keeper].
func (c *Client) Maintain(ctx context.Context) (Upkeep, error) {
	var out Upkeep
	err := c.do(ctx, http.MethodPost, "/local/maintain", nil, &out)
	return out, err
}

// Backup implements [Keeper]. The server writes the files.
func (c *Client) Backup(ctx context.Context, dir string) (Backup, error) {
	var out Backup
	err := c.post(ctx, "/local/backup", backupRequest{dir}, &out)
	return out, err
}

// Check implements [Keeper].
func (c *Client) Check(ctx context.Context, deep bool) ([]Check, error) {
	var out []Check
	err := c.do(ctx, http.MethodGet, "/local/check?"+url.Values{"deep": {strconv.FormatBool(deep)}}.Encode(), nil, &out)
	return out, err
}
