package cli

import (
	"io"
	"log/slog"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/cobra"

	"vedette/internal/api/mcp"
	"vedette/internal/guard/neutral"
)

func (r *root) mcpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mcp",
		Short: "serve read-only tools to an AI client over standard input and output (MCP)",
		Long: "Speaks the Model Context Protocol on standard input and output, for a client that starts it.\n" +
			"All tools only read; what they give is neutralised, and each call is recorded in the audit journal.\n" +
			"What the client does with it is not in Vedette's hands: a client with a cloud model sends it there.",
		Example: `  {"mcpServers": {"vedette": {"command": "vedette", "args": ["mcp", "--data", "/var/lib/vedette"]}}}`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := r.now(); err != nil {
				return err
			}
			return r.with(cmd.Context(), func(b backend) error {
				s, err := r.mcpServer(b)
				if err != nil {
					return err
				}
				return s.Run(cmd.Context(), &sdk.IOTransport{Reader: io.NopCloser(r.In), Writer: unclosed{r.Out}})
			})
		},
	}
}

// mcpServer makes the server over a backend. Its diary goes to stderr: stdout
// is the protocol's.
func (r *root) mcpServer(b mcp.Service) (*sdk.Server, error) {
	version, _ := build()
	return mcp.New(mcp.Config{
		Service: b, Clean: neutral.New(nil), Person: person(), Version: version,
		Now: func() time.Time { t, _ := r.now(); return t }, Log: slog.New(slog.NewTextHandler(r.Err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
}

// unclosed is a stream that stays open when the protocol ends.
type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }
