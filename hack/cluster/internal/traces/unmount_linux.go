package traces

import "golang.org/x/sys/unix"

// unmount takes a mount out of the tree at once. The kernel lets go of it when its last user, of which none
// should be left, closes it.
func unmount(point string) error {
	return unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
}
