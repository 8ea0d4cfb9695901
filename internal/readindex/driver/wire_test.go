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
	for spoken, count := range map[protocol]uint64{protocol1: 0, protocol2: 7} {
		var sent bytes.Buffer
		g.Expect(writeFrame(&sent, make([]byte, frameMax), frameRevisions, spoken.encodeRevisions(7, revisions))).To(Succeed())
		got, err := spoken.expect(iotest.OneByteReader(&sent), make([]byte, frameMax), frameRevisions)
		g.Expect(err).NotTo(HaveOccurred())
		history, read := spoken.decodeRevisions(got)
		g.Expect(read).To(Equal(revisions))
		g.Expect(history).To(Equal(count))
	}
}

// Only replicas that both know of reports get any.
func TestReportFrames(t *testing.T) {
	g := NewWithT(t)
	for spoken, known := range map[protocol]bool{protocol1: false, protocol2: false, protocol3: true} {
		var sent bytes.Buffer
		g.Expect(writeFrame(&sent, make([]byte, frameMax), frameReport, make([]byte, ratelimit.ReportSize))).To(Succeed())
		content, err := spoken.expect(&sent, make([]byte, frameMax), frameReport)
		g.Expect(err == nil).To(Equal(known))
		if known {
			g.Expect(content).To(HaveLen(ratelimit.ReportSize))
		}
		g.Expect(spoken.validSize(frameReport, 0)).To(BeFalse())
		g.Expect(spoken.validSize(frameCharged, 0)).To(Equal(known))
	}
}

// What replicas of the release before this one send and understand.
func TestProtocol1(t *testing.T) {
	g := NewWithT(t)
	var sent bytes.Buffer
	g.Expect(writeFrame(&sent, make([]byte, frameMax), frameQuestion, protocol1.encodeCount(7))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal([]byte{3, 0}))
	sent.Reset()
	revisions := readindex.Revisions{1, 2, 3}
	g.Expect(writeFrame(&sent, make([]byte, frameMax), frameRevisions, protocol1.encodeRevisions(7, revisions))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal(append([]byte{4, 24}, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3)))
	g.Expect(offers(protocols)).To(ContainElement("kubescim-barrier/1"))
}

func FuzzReadFrame(f *testing.F) {
	for _, spoken := range protocols {
		revisions := spoken.encodeRevisions(7, readindex.Revisions{})
		f.Add(byte(spoken), append([]byte{frameQuestion, byte(spoken.countSize())}, spoken.encodeCount(7)...))
		f.Add(byte(spoken), append([]byte{frameHello, 4}, "acme"...))
		f.Add(byte(spoken), append([]byte{frameRevisions, byte(len(revisions))}, revisions...))
		f.Add(byte(spoken), []byte{frameRevisions, 0})
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
		var sent bytes.Buffer
		if err := writeFrame(&sent, make([]byte, frameMax), kind, content); err != nil || !bytes.Equal(sent.Bytes(), input) {
			t.Fatalf("%x was read as %x", input, sent.Bytes())
		}
	})
}
