package server

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
)

// refuseEncoding returns 415 for a body that is compressed (RFC 9110 section 15.5.16),
// and says in Accept-Encoding what is taken (section 12.5.3). No identity provider
// compresses what it sends, and a small body can become a very large one.
func (x *exchange) refuseEncoding() error {
	for _, header := range x.r.Header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(header, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				x.w.Header().Set("Accept-Encoding", "identity")
				return scim.Errorf(http.StatusUnsupportedMediaType, "",
					"the body is compressed or otherwise encoded, as the header Content-Encoding says; send it as it is, without that header")
			}
		}
	}
	return nil
}
