package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"vedette/internal/guard/redact"
	"vedette/internal/guard/signal"
)

// maxTextLine bounds one line of texts; a longer one is told and passed over.
const maxTextLine = 4 << 20

func (r *root) guardCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "guard", Short: "look at texts as the guard before a language model does"}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "scan",
			Short: "say which texts look like orders to a language model, and why",
			Long: "Reads JSON objects with an id and a text, one a line, from standard input, and writes for each\n" +
				"{\"id\",\"signal\",\"score\",\"reasons\"}. It is a signal: no protection of the product rests on it.\n" +
				"Needs no data directory. A line that cannot be read is told and passed over; the exit code is then 3.",
			Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return r.eachText(cmd.Context(), scanned)
			},
		},
		&cobra.Command{
			Use:   "redact",
			Short: "mask personal data, secrets and addresses in texts",
			Long: "Reads JSON objects with an id and a text, one a line, from standard input, and writes for each\n" +
				"{\"id\",\"text\",\"spans\":[{\"start\",\"end\",\"type\"}]}: the masked text, and what was found where, counted in characters of\n" +
				"the input. Needs no data directory. A line that cannot be read is told and passed over; the exit code is then 3.",
			Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return r.eachText(cmd.Context(), redacted)
			},
		},
	)
	return cmd
}

// textScan is one line of guard scan.
type textScan struct {
	ID      json.RawMessage `json:"id"`
	Signal  bool            `json:"signal"`
	Score   float64         `json:"score"`
	Reasons []string        `json:"reasons"`
}

func scanned(id json.RawMessage, text string) any {
	res := signal.Scan(text)
	out := textScan{id, res.Signal, res.Score, res.Reasons}
	if out.Reasons == nil {
		out.Reasons = []string{}
	}
	return out
}

// textRedaction is one line of guard redact.
type textRedaction struct {
	ID    json.RawMessage `json:"id"`
	Text  string          `json:"text"`
	Spans []textSpan      `json:"spans"`
}

// textSpan counts characters of the input.
type textSpan struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Type  string `json:"type"`
}

func redacted(id json.RawMessage, text string) any {
	spans := redact.Find(text)
	out := textRedaction{ID: id, Text: redact.Mask(text, spans), Spans: []textSpan{}}
	for _, s := range redact.Runes(text, spans) {
		out.Spans = append(out.Spans, textSpan{s.Start, s.End, s.Type})
	}
	return out
}

// eachText reads texts and writes what f says of each, as they come.
func (r *root) eachText(ctx context.Context, f func(id json.RawMessage, text string) any) error {
	in, out := bufio.NewReaderSize(r.In, 1<<16), bufio.NewWriterSize(r.Out, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, out.Flush())
		}
		line, tooLong, err := boundedLine(in, maxTextLine)
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(err, out.Flush())
		}
		ended := err != nil
		id, text, problem := textOf(line, tooLong)
		switch {
		case len(bytes.TrimSpace(line)) == 0 && !tooLong:
		case problem != "":
			r.rejected = true
			fmt.Fprintf(r.Err, "line %d: %s\n", n, problem)
		default:
			if err := enc.Encode(f(id, text)); err != nil {
				return err
			}
		}
		if ended || in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
	}
}

// textOf reads one line; problem says in our words what is wrong with it.
func textOf(line []byte, tooLong bool) (id json.RawMessage, text, problem string) {
	if tooLong {
		return nil, "", fmt.Sprintf("longer than %d MiB, passed over", maxTextLine>>20)
	}
	if !utf8.Valid(line) {
		return nil, "", "not UTF-8"
	}
	var row struct {
		ID   json.RawMessage `json:"id"`
		Text *string         `json:"text"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return nil, "", "no JSON object with an id and a text"
	}
	if row.Text == nil {
		return nil, "", "no text"
	}
	if len(row.ID) == 0 {
		row.ID = json.RawMessage("null")
	}
	return row.ID, *row.Text, ""
}

// boundedLine reads a line of at most limit bytes. Of a longer one the rest is
// read and left.
func boundedLine(in *bufio.Reader, limit int) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) <= limit {
			line = append(line, part...)
		} else {
			line, tooLong = nil, true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}
