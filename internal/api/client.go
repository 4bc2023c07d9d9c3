package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"vedette/internal/asset"
	"vedette/internal/copilot"
	"vedette/internal/fault"
	"vedette/internal/ingest"
	"vedette/internal/toolbox"
)

// Client speaks to a running server over its local socket. It is a [Service].
type Client struct{ http *http.Client }

// Dial connects to the server that owns a data directory. The error is an
// Unavailable fault when none is running.
func Dial(ctx context.Context, dir string) (*Client, error) {
	path := filepath.Join(dir, SocketName)
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "no server runs on %s", dir)
	}
	_ = conn.Close()
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.DialContext(ctx, "unix", path)
	}}
	return &Client{http: &http.Client{Transport: t}}, nil
}

// Close releases idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Ask implements [Asker].
func (c *Client) Ask(ctx context.Context, req copilot.Request) (*copilot.Answer, error) {
	var out copilot.Answer
	return &out, c.post(ctx, "/local/ask", req, &out)
}

// Query implements [Asker].
func (c *Client) Query(ctx context.Context, text string, now time.Time) (*toolbox.Table, error) {
	var out toolbox.Table
	err := c.post(ctx, "/local/query", queryRequest{text, now}, &out)
	return &out, err
}

// IngestStream implements [Intake].
func (c *Client) IngestStream(ctx context.Context, in io.Reader, name, format string, modified time.Time) (ingest.Summary, error) {
	return c.ingest(ctx, in, url.Values{"name": {name}, "format": {format}, "modified": {formatTime(modified)}})
}

// IngestCapture implements [Intake].
func (c *Client) IngestCapture(ctx context.Context, in io.Reader, name, filter string, modified time.Time) (ingest.Summary, error) {
	return c.ingest(ctx, in, url.Values{"name": {name}, "filter": {filter}, "modified": {formatTime(modified)}})
}

func (c *Client) ingest(ctx context.Context, in io.Reader, v url.Values) (ingest.Summary, error) {
	var out ingest.Summary
	err := c.do(ctx, http.MethodPost, "/local/ingest?"+v.Encode(), in, &out)
	return out, err
}

// Settle implements [Intake]: the server goes on, and settles by itself.
func (c *Client) Settle(context.Context) (Settled, error) { return Settled{}, nil }

// Devices implements [Inventory].
func (c *Client) Devices(ctx context.Context) ([]asset.Device, error) {
	var out []asset.Device
	err := c.do(ctx, http.MethodGet, "/local/devices", nil, &out)
	return out, err
}

// FindDevice implements [Inventory].
func (c *Client) FindDevice(ctx context.Context, text string) (asset.Device, error) {
	var out asset.Device
	err := c.do(ctx, http.MethodGet, "/local/devices?"+url.Values{"find": {text}}.Encode(), nil, &out)
	return out, err
}

// MergeDevices implements [Judging].
func (c *Client) MergeDevices(ctx context.Context, actor, text, other, why string) (asset.Device, error) {
	var out asset.Device
	err := c.post(ctx, "/local/devices/merge", judgeRequest{actor, text, other, why}, &out)
	return out, err
}

// SplitDevice implements [Judging].
func (c *Client) SplitDevice(ctx context.Context, actor, text, address, why string) (asset.Device, error) {
	var out asset.Device
	err := c.post(ctx, "/local/devices/split", judgeRequest{actor, text, address, why}, &out)
	return out, err
}

// UndoDevice implements [Judging].
func (c *Client) UndoDevice(ctx context.Context, actor, text, why string) (asset.Device, error) {
	var out asset.Device
	err := c.post(ctx, "/local/devices/undo", judgeRequest{Actor: actor, Device: text, Why: why}, &out)
	return out, err
}

// SetDevice implements [Inventory].
func (c *Client) SetDevice(ctx context.Context, actor, text, key, value string) (asset.Device, error) {
	var out asset.Device
	err := c.post(ctx, "/local/devices/set", setRequest{actor, text, key, value}, &out)
	return out, err
}

// ImportDevices implements [Inventory].
func (c *Client) ImportDevices(ctx context.Context, actor string, in io.Reader) (asset.ImportReport, error) {
	var out asset.ImportReport
	err := c.do(ctx, http.MethodPost, "/local/devices/import?"+url.Values{"actor": {actor}}.Encode(), in, &out)
	return out, err
}

// ExportDevices implements [Inventory].
func (c *Client) ExportDevices(ctx context.Context, out io.Writer) error {
	return c.do(ctx, http.MethodGet, "/local/devices/export", nil, out)
}

func (c *Client) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing the request: %w", err)
	}
	return c.do(ctx, http.MethodPost, path, bytes.NewReader(body), out)
}

// do sends a request; out is a pointer to decode JSON into, or an io.Writer
// for the body as it is.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://local"+path, body)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	resp, err := c.http.Do(req) //nolint:gosec,nolintlint // G704: the socket that the person named; whether gosec sees it hangs on what it has cached
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "speaking to the running server")
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		var p failure
		if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
			return fault.Wrap(fault.Unavailable, err, "the running server answered %s", resp.Status)
		}
		return &fault.Error{Kind: p.Kind, Text: p.Text, Hint: p.Hint}
	}
	if w, ok := out.(io.Writer); ok {
		_, err := io.Copy(w, resp.Body)
		return err
	}
	dec := json.NewDecoder(resp.Body)
	dec.UseNumber()
	if err := dec.Decode(out); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading the server's answer")
	}
	return nil
}
