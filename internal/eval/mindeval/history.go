package mindeval

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"vedette/internal/fault"
)

// HistoryName is the file in the data directory that keeps what evaluations
// gave, one JSON object a line, newest last.
const HistoryName = "evaluations.ndjson"

// Record is one evaluation as it is kept, so that figures can be compared over
// versions and models.
type Record struct {
	Time    time.Time `json:"time"`
	Eval    string    `json:"eval"`
	Version string    `json:"version"`
	Model   string    `json:"model"` // "built-in" without one
	Scores  any       `json:"scores"`
}

// Keep appends a record to the history in a data directory.
func Keep(dir string, r Record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "writing an evaluation")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, err, "making the data directory %s", dir)
	}
	f, err := os.OpenFile(filepath.Join(dir, HistoryName), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // G304: in the data directory
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "opening the history of evaluations")
	}
	_, err = f.Write(append(line, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "keeping an evaluation")
	}
	return nil
}
