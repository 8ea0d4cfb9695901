package requestlog

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

const (
	// idLength is how long an id is as text.
	idLength = 36
	// mostText bounds the texts of a record, in bytes, and mostWord its names.
	mostText = 512
	mostWord = 64
	// mostEncoded is how long an encoded record is at the most: two ids, two texts, six names, and
	// some numbers.
	mostEncoded = 2*(1+16) + 2*mostText + 8*mostWord + 64
)

// encode appends a record, in about a third of what it takes as text. Took, Source, TurnedAway and Pod
// are left out.
func encode(to []byte, r *Record) []byte {
	to = binary.AppendVarint(to, r.Time.UnixMicro())
	to = binary.AppendUvarint(to, uint64(r.Status))
	to = binary.AppendVarint(to, r.Dropped)
	to = appendID(to, r.RequestID)
	to = appendID(to, r.ID)
	for _, word := range [...]string{r.KeyID, r.Method, string(r.Operation), r.Resource, r.ScimType, r.Reason} {
		to = appendText(to, word, mostWord)
	}
	return appendText(appendText(to, r.Hint, mostText), r.Detail, mostText)
}

// appendID appends an id, whose 16 bytes take less than half of their digits, with what stands behind
// it: the id of an operation in a bulk request has its number there.
func appendID(to []byte, id string) []byte {
	if len(id) >= idLength && id[:idLength] == strings.ToLower(id[:idLength]) {
		if parsed, err := uuid.Parse(id[:idLength]); err == nil {
			return appendText(append(append(to, 1), parsed[:]...), id[idLength:], mostWord)
		}
	}
	return appendText(append(to, 0), id, mostWord)
}

func appendText(to []byte, text string, most int) []byte {
	for 0 < most && most < len(text) && !utf8.RuneStart(text[most]) {
		most--
	}
	text = text[:min(most, len(text))]
	return append(binary.AppendUvarint(to, uint64(len(text))), text...)
}

// decode reads what encode wrote.
func decode(from []byte) Record {
	d := decoder{rest: from}
	r := Record{Time: time.UnixMicro(d.varint()).UTC(), Status: int(d.uvarint()), Dropped: d.varint()}
	r.RequestID, r.ID = d.id(), d.id()
	r.KeyID, r.Method, r.Operation, r.Resource = d.text(), d.text(), Operation(d.text()), d.text()
	r.ScimType, r.Reason, r.Hint, r.Detail = d.text(), d.text(), d.text(), d.text()
	return r
}

type decoder struct{ rest []byte }

func (d *decoder) bytes(n int) []byte {
	found := d.rest[:n]
	d.rest = d.rest[n:]
	return found
}

func (d *decoder) varint() int64 {
	value, n := binary.Varint(d.rest)
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) uvarint() uint64 {
	value, n := binary.Uvarint(d.rest)
	d.rest = d.rest[n:]
	return value
}

func (d *decoder) text() string { return string(d.bytes(int(d.uvarint()))) }

func (d *decoder) id() string {
	if d.bytes(1)[0] == 0 {
		return d.text()
	}
	id := uuid.UUID(d.bytes(len(uuid.UUID{})))
	return id.String() + d.text()
}
