//go:build !race

package redacteval_test

// every is which texts are looked at: all.
const every = 1
