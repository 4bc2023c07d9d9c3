package cli

import (
	"cmp"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is what a measurement ran on.
type machine struct {
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	CPU     string `json:"cpu,omitempty"`
	Cores   int    `json:"cores"`
	Memory  int64  `json:"memory_bytes,omitempty"`
	Go      string `json:"go"`
	Started string `json:"started"`
}

func thisMachine(now time.Time) machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.GOMAXPROCS(0), Go: runtime.Version(), Started: now.UTC().Format(time.RFC3339)}
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = procField(string(raw), "model name")
	}
	m.Memory = procBytes("/proc/meminfo", "MemTotal")
	return m
}

// procField is the value after "name:" in a file of /proc.
func procField(text, name string) string {
	for line := range strings.Lines(text) {
		if key, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// procBytes reads a size that /proc gives in kB; 0 where there is no /proc.
func procBytes(path, name string) int64 {
	raw, err := os.ReadFile(path) //nolint:gosec // G304: fixed files of /proc
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSuffix(procField(string(raw), name), " kB"), 10, 64)
	return n << 10
}

// memoryUse is the resident memory of this process, now and at its highest.
func memoryUse() (now, peak int64) {
	return procBytes("/proc/self/status", "VmRSS"), procBytes("/proc/self/status", "VmHWM")
}

// cpuTime is what this process has used so far, in all threads.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// diskUse is the size of all files below a directory.
func diskUse(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error { // what cannot be read counts nothing
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				sum += info.Size()
			}
		}
		return nil
	})
	return sum
}

// latencies are the times that one question took, in milliseconds.
type latencies struct {
	Runs int     `json:"runs"`
	P50  float64 `json:"p50_ms"`
	P95  float64 `json:"p95_ms"`
	P99  float64 `json:"p99_ms"`
	Max  float64 `json:"max_ms"`
}

func latenciesOf(took []time.Duration) latencies {
	if len(took) == 0 {
		return latencies{}
	}
	slices.SortFunc(took, func(a, b time.Duration) int { return cmp.Compare(a, b) })
	at := func(part float64) float64 {
		d := took[min(len(took)-1, int(math.Ceil(part*float64(len(took))))-1)]
		return math.Round(float64(d)/float64(time.Millisecond)*100) / 100
	}
	return latencies{Runs: len(took), P50: at(0.5), P95: at(0.95), P99: at(0.99), Max: at(1)}
}
