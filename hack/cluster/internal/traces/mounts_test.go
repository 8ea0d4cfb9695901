package traces

import (
	"slices"
	"testing"
)

func TestParseMounts(t *testing.T) {
	const mountinfo = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:20 / /var/lib/kubescim-cluster rw - tmpfs tmpfs rw
31 30 0:21 / /var/lib/kubescim-cluster/run/rootfs rw - overlay overlay rw
32 31 0:22 / /var/lib/kubescim-cluster/run/rootfs rw - tmpfs tmpfs rw
33 30 0:23 / /var/lib/kubescim-cluster/kubelet/with\040blank rw - tmpfs tmpfs rw
34 22 0:24 / /var/lib/kubescim-cluster2/run rw - tmpfs tmpfs rw
short line
`
	want := []string{
		"/var/lib/kubescim-cluster/kubelet/with blank",
		"/var/lib/kubescim-cluster/run/rootfs",
		"/var/lib/kubescim-cluster/run/rootfs",
		"/var/lib/kubescim-cluster",
	}
	if got := parseMounts(mountinfo, "/var/lib/kubescim-cluster"); !slices.Equal(got, want) {
		t.Errorf("parseMounts = %q, want %q", got, want)
	}
}

func TestUnescape(t *testing.T) {
	for field, want := range map[string]string{
		"/plain":      "/plain",
		`/a\040b`:     "/a b",
		`/a\134b`:     `/a\b`,
		`/a\011\012`:  "/a\t\n",
		`/end\04`:     `/end\04`,
		`/not\9octal`: `/not\9octal`,
	} {
		if got := unescape(field); got != want {
			t.Errorf("unescape(%q) = %q, want %q", field, got, want)
		}
	}
}
