//go:build !linux

package traces

import "errors"

// unmount exists so that the command, which is of use with kind too, compiles everywhere.
func unmount(string) error { return errors.ErrUnsupported }
