package driver

import (
	"bytes"
	"testing"
	"testing/iotest"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
)

func TestFrames(t *testing.T) {
	g := NewWithT(t)
	revisions := readindex.Revisions{1, 1 << 63, 3}
	for spoken, count := range map[protocol]uint64{protocol1: 0, protocol2: 7, protocol4: 7} {
		var sent bytes.Buffer
		g.Expect(spoken.writeFrame(&sent, make([]byte, frameMax), frameLeave, spoken.encodeRevisions(7, revisions))).To(Succeed())
		got, err := spoken.expect(iotest.OneByteReader(&sent), make([]byte, frameMax), frameLeave)
		g.Expect(err).NotTo(HaveOccurred())
		history, read := spoken.decodeRevisions(got)
		g.Expect(read).To(Equal(revisions))
		g.Expect(history).To(Equal(count))
	}
}

// Only replicas that both know of reports get any.
func TestReportFrames(t *testing.T) {
	g := NewWithT(t)
	for spoken, known := range map[protocol]bool{protocol1: false, protocol2: false, protocol3: true, protocol4: true} {
		var sent bytes.Buffer
		g.Expect(spoken.writeFrame(&sent, make([]byte, frameMax), frameReport, make([]byte, ratelimit.ReportSize))).To(Succeed())
		content, err := spoken.expect(&sent, make([]byte, frameMax), frameReport)
		g.Expect(err == nil).To(Equal(known))
		if known {
			g.Expect(content).To(HaveLen(ratelimit.ReportSize))
		}
		g.Expect(spoken.validSize(frameReport, 0)).To(BeFalse())
		g.Expect(spoken.validSize(frameCharged, 0)).To(Equal(known))
	}
}

// What a replica has said is what another one hears, and it has room for as much as there may be.
func TestMessages(t *testing.T) {
	g := NewWithT(t)
	said := readindex.Message{
		History: 3, Have: 1 << 63, Promise: true,
		Changes: readindex.Changes{Base: 7, Version: 9, Floor: readindex.Revisions{1, 2, 1 << 63}},
	}
	for range readindex.MaxChanges + 1 {
		var sent bytes.Buffer
		g.Expect(protocol4.writeFrame(&sent, make([]byte, frameMax), frameAnswer, encodeMessage(&said))).To(Succeed())
		heard, err := protocol4.expect(iotest.HalfReader(&sent), make([]byte, frameMax), frameAnswer)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(decodeMessage(heard)).To(Equal(said))
		said.Promise = !said.Promise
		said.Changes.Marks = append(said.Changes.Marks, readindex.Mark{Tenant: 1 << 63, Revisions: readindex.Revisions{4, 5, 6}})
	}
	g.Expect(protocol4.validSize(frameAnswer, len(encodeMessage(&said)))).To(BeFalse(), "one more mark than there may be")
	g.Expect(protocol4.validSize(frameQuestion, messageSize+1)).To(BeFalse())
	g.Expect(protocol3.validSize(frameQuestion, messageSize)).To(BeFalse())
}

// What replicas of the release before this one send and understand.
func TestProtocol1(t *testing.T) {
	g := NewWithT(t)
	var sent bytes.Buffer
	g.Expect(protocol1.writeFrame(&sent, make([]byte, frameMax), frameQuestion, protocol1.encodeCount(7))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal([]byte{3, 0}))
	sent.Reset()
	revisions := readindex.Revisions{1, 2, 3}
	g.Expect(protocol1.writeFrame(&sent, make([]byte, frameMax), frameAnswer, protocol1.encodeRevisions(7, revisions))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal(append([]byte{4, 24}, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3)))
	g.Expect(offers(protocols)).To(ContainElement("kubescim-barrier/1"))
}

func FuzzReadFrame(f *testing.F) {
	for _, spoken := range protocols {
		for kind, content := range map[byte][]byte{
			frameQuestion: spoken.encodeCount(7), frameHello: []byte("acme"), frameLeave: spoken.encodeRevisions(7, readindex.Revisions{}),
			frameAnswer: encodeMessage(&readindex.Message{Changes: readindex.Changes{Marks: make([]readindex.Mark, 2)}}), frameLeft: nil,
		} {
			var sent bytes.Buffer
			_ = spoken.writeFrame(&sent, make([]byte, frameMax), kind, content)
			f.Add(byte(spoken), sent.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, version byte, input []byte) {
		spoken := protocol(version)
		kind, content, err := spoken.readFrame(bytes.NewReader(input), make([]byte, frameMax))
		if err != nil {
			return
		}
		if !spoken.validSize(kind, len(content)) {
			t.Fatalf("a frame of kind %d has %d bytes", kind, len(content))
		}
		if spoken >= protocol4 && kind == frameAnswer {
			message := decodeMessage(content)
			if again := encodeMessage(&message); !bytes.Equal(again[1:], content[1:]) {
				t.Fatalf("%x was read as %x", content, again)
			}
		}
		var sent bytes.Buffer
		if err := spoken.writeFrame(&sent, make([]byte, frameMax), kind, content); err != nil || !bytes.Equal(sent.Bytes(), input) {
			t.Fatalf("%x was read as %x", input, sent.Bytes())
		}
	})
}
