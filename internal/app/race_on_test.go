//go:build race

package app_test

// raceDetector tells that the tests run with the race detector.
const raceDetector = true
