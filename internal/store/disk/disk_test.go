package disk_test

import (
	"os"
	"path/filepath"
	"testing"

	"vedette/internal/store/disk"
)

// sha256 of "abc", from FIPS 180-2.
const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestCopyLinkAside(t *testing.T) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := disk.Sum{Size: 3, SHA256: abc}
	for name, f := range map[string]func(to, from string) (disk.Sum, error){"copy": disk.Copy, "link": disk.Link} {
		to := filepath.Join(dir, "sub", name)
		if got, err := f(to, from); err != nil || got != want {
			t.Errorf("%s = %+v, %v", name, got, err)
		}
		if got, err := disk.Digest(to); err != nil || got != want {
			t.Errorf("digest after %s = %+v, %v", name, got, err)
		}
	}
	if _, err := disk.Copy(filepath.Join(dir, "sub", "copy"), from); err == nil {
		t.Error("a copy overwrote a file")
	}
	if n, err := disk.Size(dir); err != nil || n != 9 {
		t.Errorf("size %d, %v", n, err)
	}
	first, err1 := disk.Aside(filepath.Join(dir, "sub", "copy"))
	if err := os.WriteFile(filepath.Join(dir, "sub", "copy"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err2 := disk.Aside(filepath.Join(dir, "sub", "copy"))
	if err1 != nil || err2 != nil || first == second {
		t.Errorf("aside: %q %v, %q %v", first, err1, second, err2)
	}
	if got, err := disk.Digest(first); err != nil || got != want {
		t.Errorf("what was set aside is %+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sub", "copy")); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if free, all, err := disk.Free(dir); err == nil && (free == 0 || all < free) {
		t.Errorf("free %d of %d", free, all)
	}
}
