package daemon

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// standardFiles are the files that a daemon gets: input, output and errors.
const standardFiles = 3

// keepFiles keeps files to this process that it was started with, such as the lock of a caller: a daemon that had it
// too would hold it for as long as it runs.
func keepFiles() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("look which files are open: %w", err)
	}
	for _, entry := range open {
		if file, err := strconv.Atoi(entry.Name()); err == nil && file >= standardFiles {
			syscall.CloseOnExec(file)
		}
	}
	return nil
}
