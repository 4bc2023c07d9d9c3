// Command build bundles the web console: TypeScript in, a few files with their
// hash in the name out. It needs Go alone; what the console is made of besides
// our own source is pinned in web/vendor, with its licences.
//
// It has its own module, so that the bundler never enters the product's graph.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "use: build WEB OUT")
		os.Exit(2)
	}
	if err := build(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "building the console:", err)
		os.Exit(1)
	}
}

// build bundles the source below web into out, whose old content goes.
func build(web, out string) error {
	web, err := filepath.Abs(web)
	if err != nil {
		return err
	}
	out, err = filepath.Abs(out)
	if err != nil {
		return err
	}
	vendor := func(parts ...string) string { return filepath.Join(append([]string{web, "vendor"}, parts...)...) }
	res := api.Build(api.BuildOptions{
		AbsWorkingDir:    web,
		EntryPoints:      []string{filepath.Join(web, "src", "main.tsx")},
		EntryNames:       "[name]-[hash]",
		ChunkNames:       "[name]-[hash]",
		AssetNames:       "[name]-[hash]",
		Outdir:           out,
		Bundle:           true,
		Splitting:        true,
		Format:           api.FormatESModule,
		Target:           api.ES2022,
		JSX:              api.JSXAutomatic,
		JSXImportSource:  "preact",
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone, // licences are in NOTICE, which the binary carries
		LogLevel:      api.LogLevelWarning,
		Alias: map[string]string{
			"preact":               vendor("preact", "dist", "preact.mjs"),
			"preact/hooks":         vendor("preact", "hooks", "dist", "hooks.mjs"),
			"preact/jsx-runtime":   vendor("preact", "jsx-runtime", "dist", "jsxRuntime.mjs"),
			"@preact/signals":      vendor("signals", "dist", "signals.mjs"),
			"@preact/signals-core": vendor("signals-core", "dist", "signals-core.mjs"),
			"uplot":                vendor("uplot", "dist", "uPlot.esm.js"),
			"uplot/style":          vendor("uplot", "dist", "uPlot.min.css"),
		},
	})
	if len(res.Errors) > 0 {
		return errors.New("the source has errors")
	}
	return write(web, out, res.OutputFiles)
}

// write puts the files and the page that loads them into out.
func write(web, out string, files []api.OutputFile) error {
	old, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if filepath.Base(name) != "placeholder.html" {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	names := map[string]string{} // entry: file
	for _, f := range files {
		if err := os.WriteFile(f.Path, f.Contents, 0o644); err != nil {
			return err
		}
		base := filepath.Base(f.Path)
		if at := strings.LastIndexByte(base, '-'); at > 0 {
			names[base[:at]+filepath.Ext(base)] = base
		}
	}
	for _, page := range []string{"index.html"} {
		text, err := os.ReadFile(filepath.Join(web, "src", page))
		if err != nil {
			return err
		}
		for entry, name := range names {
			text = []byte(strings.ReplaceAll(string(text), "/assets/"+entry+`"`, "/assets/"+name+`"`))
		}
		if err := os.WriteFile(filepath.Join(out, page), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
