package driver

import (
	"encoding/binary"

	"github.com/kubescim/kubescim/internal/readindex"
)

// A Message is the content of a frame: whether there is a promise, the count of histories, the
// version that the sender has of the receiver's Marks, the versions between which the
// sender's have changed, their floor, and then each tenant's mark.
const (
	markSize    = countSize + revisionsSize
	messageSize = 1 + 4*countSize + revisionsSize // without marks
	messageMax  = messageSize + readindex.MaxChanges*markSize
)

// encodeMessage returns a Message as it stands in a frame.
func encodeMessage(m *readindex.Message) []byte {
	content := make([]byte, 1, messageSize+len(m.Changes.Marks)*markSize)
	if m.Promise {
		content[0] = 1
	}
	for _, number := range []uint64{m.History, m.Have, m.Changes.Base, m.Changes.Version} {
		content = binary.BigEndian.AppendUint64(content, number)
	}
	content = appendRevisions(content, m.Changes.Floor)
	for _, mark := range m.Changes.Marks {
		content = appendRevisions(binary.BigEndian.AppendUint64(content, uint64(mark.Tenant)), mark.Revisions)
	}
	return content
}

// decodeMessage is the reverse; content is that of a valid frame.
func decodeMessage(content []byte) readindex.Message {
	next := func() uint64 {
		number := binary.BigEndian.Uint64(content)
		content = content[countSize:]
		return number
	}
	m := readindex.Message{Promise: content[0] == 1}
	content = content[1:]
	m.History, m.Have, m.Changes.Base, m.Changes.Version = next(), next(), next(), next()
	m.Changes.Floor, content = revisionsIn(content), content[revisionsSize:]
	for len(content) > 0 {
		mark := readindex.Mark{Tenant: readindex.Tenant(next())}
		mark.Revisions, content = revisionsIn(content), content[revisionsSize:]
		m.Changes.Marks = append(m.Changes.Marks, mark)
	}
	return m
}

// appendRevisions appends Revisions as they stand in a frame.
func appendRevisions(content []byte, revisions readindex.Revisions) []byte {
	for _, revision := range revisions {
		content = binary.BigEndian.AppendUint64(content, revision)
	}
	return content
}

// revisionsIn are those with which the content begins.
func revisionsIn(content []byte) (revisions readindex.Revisions) {
	for kind := range revisions {
		revisions[kind] = binary.BigEndian.Uint64(content[countSize*kind:])
	}
	return revisions
}
