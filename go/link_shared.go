//go:build !pcrseal_static

package pcrseal

// #cgo pkg-config: pcrseal
import "C"
