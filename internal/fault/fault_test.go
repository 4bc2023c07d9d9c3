package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"vedette/internal/fault"
)

func TestPublicHidesTheCause(t *testing.T) {
	err := fmt.Errorf("opening: %w", fault.Wrap(fault.NotFound, fs.ErrNotExist, "no such device %q", "plc-1").WithHint("list them with: vedette devices"))
	text, hint := fault.Public(err)
	if text != `no such device "plc-1"` || hint != "list them with: vedette devices" {
		t.Errorf("Public = %q, %q", text, hint)
	}
	if fault.KindOf(err) != fault.NotFound || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("kind %v, or the cause is lost", fault.KindOf(err))
	}
}

func TestUnknownErrorsAreInternal(t *testing.T) {
	err := errors.New("secret path /root")
	if text, _ := fault.Public(err); text != "internal error" {
		t.Errorf("Public = %q, must not show a foreign error", text)
	}
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("KindOf = %v", fault.KindOf(err))
	}
}
