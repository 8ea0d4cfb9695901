package barrier

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Replicas talk in frames over TLS: one byte that says which, one byte with the
// length of the content, and the content. A connection begins with a hello; after
// that, its dialler sends one frame at a time and waits for the answer.
const (
	// frameHello has the pod name of the replica that dials.
	frameHello byte = iota + 1
	// frameKnown answers it: the replica is known, and will be asked from now on.
	frameKnown
	// frameQuestion asks how far everything goes that the other has told clients.
	frameQuestion
	// frameMark answers it with a Mark.
	frameMark
	// frameLeave has the last Mark of a replica that has answered its last request.
	frameLeave
	// frameLeft answers it: the Mark is kept, and the replica will not be asked again.
	frameLeft
)

const (
	frameHead = 2
	frameMax  = frameHead + 255
	markSize  = 8 * int(Kinds)
	nameMax   = 253 // Of a pod, as of every DNS subdomain.
)

var errFrame = errors.New("the frame is malformed")

// validSize reports whether the content of a frame may have the length.
func validSize(kind byte, length int) bool {
	switch kind {
	case frameHello:
		return length >= 1 && length <= nameMax
	case frameMark, frameLeave:
		return length == markSize
	case frameKnown, frameQuestion, frameLeft:
		return length == 0
	default:
		return false
	}
}

// readFrame reads one frame into the buffer, of frameMax bytes, and returns the
// content as a part of it. Since nobody sends a frame before the last one is
// answered, bytes behind the frame are an error too.
func readFrame(r io.Reader, buffer []byte) (kind byte, content []byte, err error) {
	have, err := io.ReadAtLeast(r, buffer, frameHead)
	if err != nil {
		return 0, nil, fmt.Errorf("reading a frame: %w", err)
	}
	kind, length := buffer[0], int(buffer[1])
	if !validSize(kind, length) {
		return 0, nil, fmt.Errorf("reading a frame: %w", errFrame)
	}
	size := frameHead + length
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
	return kind, buffer[frameHead:size], nil
}

// writeFrame writes one frame in one piece, by way of the buffer.
func writeFrame(w io.Writer, buffer []byte, kind byte, content []byte) error {
	buffer[0], buffer[1] = kind, byte(len(content))
	copy(buffer[frameHead:], content)
	if _, err := w.Write(buffer[:frameHead+len(content)]); err != nil {
		return fmt.Errorf("writing a frame: %w", err)
	}
	return nil
}

// expect reads a frame of the kind.
func expect(r io.Reader, buffer []byte, wanted byte) ([]byte, error) {
	kind, content, err := readFrame(r, buffer)
	if err != nil {
		return nil, err
	}
	if kind != wanted {
		return nil, fmt.Errorf("reading a frame: %w", errFrame)
	}
	return content, nil
}

func encodeMark(m Mark) [markSize]byte {
	var content [markSize]byte
	for kind, revision := range m.Revisions {
		binary.BigEndian.PutUint64(content[8*kind:], revision)
	}
	return content
}

// decodeMark is the reverse; the content has markSize bytes.
func decodeMark(content []byte) Mark {
	var m Mark
	for kind := range m.Revisions {
		m.Revisions[kind] = binary.BigEndian.Uint64(content[8*kind:])
	}
	return m
}
