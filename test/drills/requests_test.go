//go:build drills

package drills

import (
	"regexp"
	"slices"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var requestLine = regexp.MustCompile(`(?m)^apiserver_request_total\{.*,resource="([a-z]+)".*verb="([A-Z]+)".*\} ([0-9.e+]+)$`)

// requests are requests that the API server has answered. Patches are among the writes.
type requests struct{ writes, patches, reads int }

// requestsAbout counts those of anybody about some resources, beside those that watch them, which last for minutes.
func requestsAbout(resources ...string) (all requests) {
	GinkgoHelper()
	for _, found := range requestLine.FindAllStringSubmatch(Kubectl("get", "--raw", "/metrics"), -1) {
		if !slices.Contains(resources, found[1]) {
			continue
		}
		number, err := strconv.ParseFloat(found[3], 64)
		Expect(err).NotTo(HaveOccurred())
		switch found[2] {
		case "WATCH":
		case "GET", "LIST":
			all.reads += int(number)
		case "PATCH":
			all.patches += int(number)
			all.writes += int(number)
		default:
			all.writes += int(number)
		}
	}
	return all
}
