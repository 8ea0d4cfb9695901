package driver

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
)

// Replicas talk in frames over TLS: one byte that says which, the length of the content, and
// the content. The length is of one byte, from protocol4 on of two. A connection begins with a
// hello; after that, its dialler sends one frame at a time and waits for the answer. The
// contents of the hello and its answer are the same in all protocols; the others say more from
// protocol2 on, reports are of protocol3, and questions and answers are Messages from protocol4 on.
const (
	// frameHello has the pod name of the replica that dials.
	frameHello byte = iota + 1
	// frameKnown answers it: the replica is known, and will be asked from now on.
	frameKnown
	// frameQuestion asks for the other's Revisions, or Marks.
	frameQuestion
	// frameAnswer answers it.
	frameAnswer
	// frameLeave has the last Revisions of a replica that has answered its last request.
	frameLeave
	// frameLeft answers it: they are kept, and the replica will not be asked again.
	frameLeft
	// frameReport has what the replica that dials has let through (package ratelimit).
	frameReport
	// frameCharged answers it: it is charged.
	frameCharged
)

const (
	countSize     = 8
	revisionsSize = countSize * int(readindex.Kinds)
	nameMax       = 253 // Of a pod, as of every DNS subdomain.
	headMax       = 3
	frameMax      = headMax + messageMax // bytes
)

var errFrame = errors.New("the frame is malformed")

// validSize reports whether the content of a frame may have the length.
func (p protocol) validSize(kind byte, length int) bool {
	switch kind {
	case frameHello:
		return length >= 1 && length <= nameMax
	case frameKnown, frameLeft:
		return length == 0
	case frameQuestion, frameAnswer:
		switch {
		case p >= protocol4:
			return length >= messageSize && length <= messageMax && (length-messageSize)%markSize == 0
		case kind == frameQuestion:
			return length == p.countSize()
		}
		return length == p.countSize()+revisionsSize
	case frameLeave:
		return length == p.countSize()+revisionsSize
	case frameReport:
		return p >= protocol3 && length >= 1 && length <= ratelimit.ReportSize
	case frameCharged:
		return p >= protocol3 && length == 0
	default:
		return false
	}
}

// head is how long what comes before the content is.
func (p protocol) head() int {
	if p >= protocol4 {
		return headMax
	}
	return headMax - 1
}

// countSize is how long the count of rewritten histories is.
func (p protocol) countSize() int {
	if p == protocol1 {
		return 0
	}
	return countSize
}

// readFrame reads one frame into the buffer, of frameMax bytes, and returns the
// content as a part of it. Since nobody sends a frame before the last one is
// answered, bytes behind the frame are an error too.
func (p protocol) readFrame(r io.Reader, buffer []byte) (kind byte, content []byte, err error) {
	head := p.head()
	have, err := io.ReadAtLeast(r, buffer, head)
	if err != nil {
		return 0, nil, fmt.Errorf("reading a frame: %w", err)
	}
	kind, length := buffer[0], int(buffer[1])
	if p >= protocol4 {
		length = int(binary.BigEndian.Uint16(buffer[1:]))
	}
	if !p.validSize(kind, length) {
		return 0, nil, fmt.Errorf("reading a frame: %w", errFrame)
	}
	size := head + length
	if have < size {
		more, err := io.ReadAtLeast(r, buffer[have:], size-have)
		if err != nil {
			return 0, nil, fmt.Errorf("reading a frame: %w", err)
		}
		have += more
	}
	if have != size {
		return 0, nil, fmt.Errorf("reading a frame: %w", errFrame)
	}
	return kind, buffer[head:size], nil
}

// writeFrame writes one frame in one piece, by way of the buffer.
func (p protocol) writeFrame(w io.Writer, buffer []byte, kind byte, content []byte) error {
	buffer[0], buffer[1] = kind, byte(len(content))
	if p >= protocol4 {
		binary.BigEndian.PutUint16(buffer[1:], uint16(len(content)))
	}
	size := p.head() + copy(buffer[p.head():], content)
	if _, err := w.Write(buffer[:size]); err != nil {
		return fmt.Errorf("writing a frame: %w", err)
	}
	return nil
}

// expect reads a frame of the kind.
func (p protocol) expect(r io.Reader, buffer []byte, wanted byte) ([]byte, error) {
	kind, content, err := p.readFrame(r, buffer)
	if err != nil {
		return nil, err
	}
	if kind != wanted {
		return nil, fmt.Errorf("reading a frame: %w", errFrame)
	}
	return content, nil
}

// encodeCount returns how often history was rewritten, as it stands in a frame.
func (p protocol) encodeCount(history uint64) []byte {
	if p == protocol1 {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, history)
}

// decodeCount is the reverse; content is that of a valid frame, which may go on.
func (p protocol) decodeCount(content []byte) uint64 {
	if p == protocol1 {
		return 0
	}
	return binary.BigEndian.Uint64(content)
}

// encodeRevisions returns Revisions as they stand in a frame, with the count before them.
func (p protocol) encodeRevisions(history uint64, revisions readindex.Revisions) []byte {
	return appendRevisions(p.encodeCount(history), revisions)
}

// decodeRevisions is the reverse; content is that of a valid frame.
func (p protocol) decodeRevisions(content []byte) (history uint64, revisions readindex.Revisions) {
	return p.decodeCount(content), revisionsIn(content[p.countSize():])
}
