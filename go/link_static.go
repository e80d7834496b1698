//go:build pcrseal_static

package pcrseal

// #cgo pkg-config: --static pcrseal
import "C"
