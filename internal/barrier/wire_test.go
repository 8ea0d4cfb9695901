package barrier

import (
	"bytes"
	"testing"
	"testing/iotest"
	"time"

	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func TestMarkMax(t *testing.T) {
	g := NewWithT(t)
	one := Mark{Revisions: [Kinds]uint64{1, 20, 3}}
	other := Mark{Revisions: [Kinds]uint64{10, 2, 3}}
	want := Mark{Revisions: [Kinds]uint64{10, 20, 3}}
	g.Expect(one.Max(other)).To(Equal(want))
	g.Expect(other.Max(one)).To(Equal(want))
	g.Expect(one.Max(Mark{})).To(Equal(one))
}

func TestFrames(t *testing.T) {
	g := NewWithT(t)
	mark := Mark{Revisions: [Kinds]uint64{1, 1 << 63, 3}}
	for spoken, count := range map[protocol]uint64{protocol1: 0, protocol2: 7} {
		var sent bytes.Buffer
		g.Expect(writeFrame(&sent, make([]byte, frameMax), frameMark, spoken.encodeMark(7, mark))).To(Succeed())
		got, err := spoken.expect(iotest.OneByteReader(&sent), make([]byte, frameMax), frameMark)
		g.Expect(err).NotTo(HaveOccurred())
		rewritten, read := spoken.decodeMark(got)
		g.Expect(read).To(Equal(mark))
		g.Expect(rewritten).To(Equal(count))
	}
}

// What replicas of the release before this one send and understand.
func TestProtocol1(t *testing.T) {
	g := NewWithT(t)
	var sent bytes.Buffer
	g.Expect(writeFrame(&sent, make([]byte, frameMax), frameQuestion, protocol1.encodeCount(7))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal([]byte{3, 0}))
	sent.Reset()
	mark := Mark{Revisions: [Kinds]uint64{1, 2, 3}}
	g.Expect(writeFrame(&sent, make([]byte, frameMax), frameMark, protocol1.encodeMark(7, mark))).To(Succeed())
	g.Expect(sent.Bytes()).To(Equal(append([]byte{4, 24}, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3)))
	g.Expect(offers(protocols)).To(ContainElement("kubescim-barrier/1"))
}

func FuzzReadFrame(f *testing.F) {
	for _, spoken := range protocols {
		mark := spoken.encodeMark(7, Mark{})
		f.Add(byte(spoken), append([]byte{frameQuestion, byte(spoken.countSize())}, spoken.encodeCount(7)...))
		f.Add(byte(spoken), append([]byte{frameHello, 4}, "acme"...))
		f.Add(byte(spoken), append([]byte{frameMark, byte(len(mark))}, mark...))
		f.Add(byte(spoken), []byte{frameMark, 0})
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

func TestRanOut(t *testing.T) {
	g := NewWithT(t)
	lease := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{LeaseDurationSeconds: ptr.To[int32](10)}}
	renew := func(second int64) { lease.Spec.RenewTime = ptr.To(metav1.NewMicroTime(time.Unix(second, 0))) }
	renew(1)
	var seen observation
	at := func(later time.Duration, heard int64) bool {
		look := seen.begin(heard)
		look.began = look.began.Add(later)
		return look.ranOut(lease)
	}
	g.Expect(at(time.Hour, 0)).To(BeFalse(), "seen for the first time")
	g.Expect(at(9*time.Second, 0)).To(BeFalse())
	g.Expect(at(11*time.Second, 0)).To(BeTrue())
	lease.ResourceVersion = "2"
	g.Expect(at(11*time.Second, 0)).To(BeTrue(), "somebody else wrote to it")
	renew(0) // By a clock that was set back.
	g.Expect(at(11*time.Second, 0)).To(BeFalse(), "it was renewed")
	g.Expect(at(11*time.Second, 1)).To(BeFalse(), "it was heard")
	g.Expect(at(11*time.Second, 1)).To(BeTrue())
}
