package archive

import (
	"path"
	"slices"
)

// parents are the folders that the files are in, outer ones first. A layer lists them, or it is up to the
// container runtime who owns them.
func parents(files []File) []string {
	var dirs []string
	for _, file := range files {
		for dir := path.Dir(file.Path); dir != "."; dir = path.Dir(dir) {
			if !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	slices.Sort(dirs)
	return dirs
}
