package traces

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// parseMounts reads from a mount table the mount points below dir, the innermost first, which is the order to
// unmount them in.
func parseMounts(mountinfo, dir string) []string {
	var points []string
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := unescape(fields[4])
		if point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	// The table is in the order of mounting. What was mounted last lies on top, also on the same point.
	slices.Reverse(points)
	return points
}

// unescape undoes the kernel's writing of blanks and the like as a backslash and three octal digits.
func unescape(field string) string {
	var plain strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] == '\\' && i+3 < len(field) {
			if code, err := strconv.ParseUint(field[i+1:i+4], 8, 8); err == nil {
				plain.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		plain.WriteByte(field[i])
	}
	return plain.String()
}

// MountsBelow are the mount points of this machine below dir.
func MountsBelow(dir string) ([]string, error) {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("list mounts: %w", err)
	}
	return parseMounts(string(content), dir), nil
}

// UnmountBelow unmounts everything below dir. Each pass may uncover mounts that others hid.
func UnmountBelow(dir string) error {
	for {
		points, err := MountsBelow(dir)
		if err != nil || len(points) == 0 {
			return err
		}
		var failed []error
		for _, point := range points {
			if err := unmount(point); err != nil {
				failed = append(failed, fmt.Errorf("unmount %s: %w", point, err))
			}
		}
		if len(failed) == len(points) {
			return errors.Join(failed...)
		}
	}
}
