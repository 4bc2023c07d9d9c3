//go:build !linux

package capture

import (
	"context"

	"vedette/internal/fault"
	"vedette/internal/ingest"
)

// Run implements [ingest.Source].
func (s *Source) Run(context.Context, ingest.Spooler) error {
	return s.gauge.Stop(fault.New(fault.Unavailable, "live captures are not there on this system: they need Linux").WithHint("write a capture with tcpdump and take it in with vedette ingest"))
}
