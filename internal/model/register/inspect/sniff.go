package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"vedette/internal/model/register/gguf"
	"vedette/internal/model/register/safetensors"
)

type kind uint8

const (
	isOther kind = iota
	isGGUF
	isSafetensors
	isText
	isPicture
	isVocabulary
)

// The limits of what is read of a file to tell its kind.
const (
	window   = 64 << 10 // at the begin and at the end
	maxPlain = 64 << 20 // bytes of a text, a vocabulary or a picture
)

// sniff tells the kind of a file, or why it must not be in a model.
func sniff(in io.ReaderAt, size int64, name string) (k kind, why string, err error) {
	first, err := part(in, 0, min(size, window))
	if err != nil {
		return 0, "", err
	}
	if why := forbidden(first); why != "" {
		if why == zipFile {
			why, err = zipOf(in, size, first)
		}
		return 0, why, err
	}
	if why := byName(name); why != "" {
		return 0, why, nil
	}
	switch {
	case bytes.HasPrefix(first, []byte(gguf.Magic)):
		k = isGGUF
	case suffix(name) == ".safetensors" || safetensors.Plausible(first) && suffix(name) != ".json":
		k = isSafetensors
	default:
		return plain(in, size, name, first)
	}
	// An archive at the end of a file of weights: what opens archives looks there.
	last, err := part(in, size-min(size, window), min(size, window))
	if err == nil && bytes.Contains(last, []byte("PK\x05\x06")) {
		why = "has a zip archive at its end"
	}
	return k, why, err
}

func part(in io.ReaderAt, at, n int64) ([]byte, error) {
	buf := make([]byte, n)
	got, err := in.ReadAt(buf, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return buf[:got], err
}

const zipFile = "is a zip archive"

// forbidden tells what a file is that must never be in a model, by its first
// bytes.
func forbidden(first []byte) string {
	if len(first) >= 2 && first[0] == 0x80 && first[1] <= 10 {
		if bytes.Contains(first[:min(len(first), 32)], []byte("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")) {
			return "is a pickle (PyTorch's old format): loading it runs code"
		}
		return "is a pickle: loading it runs code"
	}
	for _, m := range []struct{ magic, why string }{
		{"PK\x03\x04", zipFile},
		{"PK\x05\x06", zipFile},
		{"\x7fELF", "is a program or library (ELF)"},
		{"MZ", "is a program or library (PE)"},
		{"\xfe\xed\xfa\xce", "is a program or library (Mach-O)"},
		{"\xfe\xed\xfa\xcf", "is a program or library (Mach-O)"},
		{"\xce\xfa\xed\xfe", "is a program or library (Mach-O)"},
		{"\xcf\xfa\xed\xfe", "is a program or library (Mach-O)"},
		{"\xca\xfe\xba\xbe", "is a program or library (Mach-O or Java)"},
		{"\x00asm", "is a program (WebAssembly)"},
		{"#!", "is a script"},
		{"\x89HDF", "is HDF5: Keras models in it may hold code"},
		{"\x93NUMPY", "is a numpy array, which may hold pickles"},
		{"\x1f\x8b", "is compressed: what it holds is not seen"},
		{"\x28\xb5\x2f\xfd", "is compressed: what it holds is not seen"},
		{"BZh", "is compressed: what it holds is not seen"},
		{"\xfd7zXZ", "is compressed: what it holds is not seen"},
		{"7z\xbc\xaf", "is compressed: what it holds is not seen"},
	} {
		if bytes.HasPrefix(first, []byte(m.magic)) {
			return m.why
		}
	}
	if len(first) > 262 && string(first[257:262]) == "ustar" {
		return "is a tar archive"
	}
	return ""
}

// zipOf says more of a zip archive: PyTorch's have a member data.pkl, whose name
// stands at the begin and in the directory at the end.
func zipOf(in io.ReaderAt, size int64, first []byte) (string, error) {
	last, err := part(in, size-min(size, window), min(size, window))
	if err != nil {
		return "", err
	}
	if bytes.Contains(first, []byte("data.pkl")) || bytes.Contains(last, []byte("data.pkl")) {
		return "is a zip archive with a pickle (PyTorch): loading it runs code", nil
	}
	return zipFile, nil
}

// byName refuses what loaders run or load by its name, whatever it holds.
func byName(name string) string {
	switch suffix(name) {
	case ".py", ".pyc", ".pyo", ".pyd", ".ipynb":
		return "is Python code"
	case ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".bin", ".joblib", ".dill", ".npy", ".npz":
		return "has the name of a pickle or of weights that may be one"
	case ".sh", ".bash", ".bat", ".cmd", ".ps1", ".js", ".mjs", ".rb", ".pl", ".lua", ".php":
		return "is a script"
	case ".so", ".dll", ".dylib", ".exe", ".com", ".msi", ".jar", ".wasm", ".o", ".a":
		return "is a program or library"
	case ".html", ".htm", ".svg", ".xhtml":
		return "is a page that may hold scripts"
	}
	return ""
}

// plain takes texts, pictures and vocabularies: what a published model has
// beside its weights.
func plain(in io.ReaderAt, size int64, name string, first []byte) (kind, string, error) {
	if size > maxPlain {
		return 0, "is of a kind that is not known here", nil
	}
	switch suffix(name) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp":
		if picture(first) {
			return isPicture, "", nil
		}
		return 0, "has the name of a picture and is none", nil
	case ".model", ".spm", ".tiktoken":
		return isVocabulary, "", nil
	case ".json", ".jsonl", ".txt", ".md", ".jinja", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".merges", ".vocab", ".sig", ".sha256", ".pem", ".pub":
	default:
		if !knownText(path.Base(name)) {
			return 0, "is of a kind that is not known here", nil
		}
	}
	raw, err := part(in, 0, size)
	switch {
	case err != nil:
		return 0, "", err
	case !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0:
		return 0, "has the name of a text and is none", nil
	case suffix(name) == ".json" && namesCode(raw):
		return 0, "names code to be loaded with the model (auto_map)", nil
	}
	return isText, "", nil
}

func picture(first []byte) bool {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF87a", "GIF89a"} {
		if bytes.HasPrefix(first, []byte(magic)) {
			return true
		}
	}
	return len(first) > 12 && string(first[:4]) == "RIFF" && string(first[8:12]) == "WEBP"
}

// knownText are texts without an ending.
func knownText(name string) bool {
	texts := []string{"LICENSE", "LICENCE", "README", "NOTICE", "COPYING", "USE_POLICY", "CHANGELOG", "SHA256SUMS"}
	return slices.Contains(texts, strings.ToUpper(name)) || name == ".gitattributes" || name == ".gitignore"
}

// namesCode tells whether a configuration has a key by which a loader of
// models fetches and runs code.
func namesCode(raw []byte) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal(raw, &top) != nil {
		return false
	}
	_, has := top["auto_map"]
	_, pipelines := top["custom_pipelines"]
	return has || pipelines
}
