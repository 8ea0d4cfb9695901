package request

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/limit"
)

// MediaType is the media type of SCIM messages (RFC 7644 section 8.1).
const MediaType = "application/scim+json"

const (
	// bodyFactor is how many times its own size a body takes when it is decoded and
	// compared with what there is. A group with many members takes the most.
	bodyFactor = 24
	// beginning is how much of a body in chunks is read before memory is acquired for
	// it, in bytes.
	beginning = limit.SmallRequest / bodyFactor
)

// How much of the body of a refused request is read, in bytes. A client
// that sends more loses its connection. Of one without a good token no more than
// discardedUnauthenticated is read, in no more than discardTime.
const (
	discarded                = 32 << 20
	discardedUnauthenticated = 256 << 10
	discardTime              = 2 * time.Second
)

// Body reads a SCIM message of at most so many bytes from the request. Before, it lets
// acquire get about as much memory as the message takes until it is answered, in bytes.
func Body(w http.ResponseWriter, r *http.Request, most int64, acquire func(bytes int64) error) ([]byte, error) {
	if err := refuseEncoding(w, r); err != nil {
		return nil, err
	}
	if header := r.Header.Get("Content-Type"); header != "" {
		media, _, err := mime.ParseMediaType(header)
		if err != nil || (media != MediaType && media != "application/json") {
			return nil, scim.Errorf(http.StatusUnsupportedMediaType, "",
				"the body must be %s or application/json; set Content-Type accordingly", MediaType)
		}
	}
	if r.ContentLength > most {
		return nil, &http.MaxBytesError{Limit: most}
	}
	return read(http.MaxBytesReader(w, r.Body, most), r.ContentLength, most, acquire)
}

// read reads a body of the length, negative when it is not known before: one that comes in
// chunks takes what a body may have at the most, unless its beginning, which takes little,
// is all of it.
func read(from io.Reader, length, most int64, acquire func(bytes int64) error) ([]byte, error) {
	body, size := &bytes.Buffer{}, length*bodyFactor
	if length < 0 {
		size = most
		_, err := io.CopyN(body, from, beginning)
		switch {
		case errors.Is(err, io.EOF):
			size = int64(body.Len()) * bodyFactor
		case err != nil:
			return nil, incomplete(err)
		}
	}
	if err := acquire(size); err != nil {
		return nil, err
	}
	body.Grow(int(max(length, 0)) + bytes.MinRead)
	if _, err := body.ReadFrom(from); err != nil {
		return nil, incomplete(err)
	}
	return body.Bytes(), acquire(int64(body.Len())*bodyFactor - size)
}

// incomplete is the error for a body that cannot be read to its end.
func incomplete(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("reading the body: %w: %w",
		scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax, "the body ended before it was complete"), err)
}

// refuseEncoding returns 415 for a body that is compressed (RFC 9110 section 15.5.16),
// and says in Accept-Encoding what is taken (section 12.5.3). No identity provider
// compresses what it sends, and a small body can become a very large one.
func refuseEncoding(w http.ResponseWriter, r *http.Request) error {
	for _, header := range r.Header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(header, ",") {
			if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
				w.Header().Set("Accept-Encoding", "identity")
				return scim.Errorf(http.StatusUnsupportedMediaType, "",
					"the body is compressed or otherwise encoded, as the header Content-Encoding says; send it as it is, without that header")
			}
		}
	}
	return nil
}

// Discard reads what is left of the body of a request that is refused, or that has no use for
// one, within bounds. Most clients read the answer only after they have sent everything, and
// a connection that is closed before is reset, which takes the answer with it. A client that
// expects "100 Continue" has not begun to send.
func Discard(w http.ResponseWriter, r *http.Request, authenticated bool, began time.Time) {
	switch {
	case r.ContentLength == 0 || r.Header.Get("Expect") != "":
	case authenticated:
		_, _ = io.CopyN(io.Discard, r.Body, discarded) // The answer is an error already.
	default:
		deadline := http.NewResponseController(w)
		_ = deadline.SetReadDeadline(began.Add(discardTime)) // Without it, ReadTimeout holds.
		_, err := io.CopyN(io.Discard, r.Body, discardedUnauthenticated)
		if errors.Is(err, net.ErrClosed) {
			panic(http.ErrAbortHandler) // For another connection. net/http would wait before it lets go.
		}
		if !errors.Is(err, io.EOF) {
			w.Header().Set("Connection", "close")
			_ = deadline.SetReadDeadline(began) // net/http would read on.
		}
	}
}
