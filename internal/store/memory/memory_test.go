package memory_test

import (
	"testing"

	"vedette/internal/store"
	"vedette/internal/store/memory"
	"vedette/internal/store/storetest"
)

func TestEvents(t *testing.T) {
	storetest.Run(t, func(testing.TB) store.Events { return memory.New() })
}

func TestRandom(t *testing.T) {
	storetest.Random(t, func(testing.TB) store.Events { return memory.New() })
}

func TestRecords(t *testing.T) {
	storetest.RunRecords(t, func(testing.TB) store.Records { return memory.NewRecords() })
}
