//go:build race

package redacteval_test

// every is which texts are looked at: some, since the race detector makes it
// slow.
const every = 7
