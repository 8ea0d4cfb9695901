package barrier

import (
	"bytes"
	"testing"
	"testing/iotest"
	"time"

	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
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
	content := encodeMark(mark)
	var sent bytes.Buffer
	g.Expect(writeFrame(&sent, make([]byte, frameMax), frameMark, content[:])).To(Succeed())
	got, err := expect(iotest.OneByteReader(&sent), make([]byte, frameMax), frameMark)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(decodeMark(got)).To(Equal(mark))
}

func FuzzReadFrame(f *testing.F) {
	mark := encodeMark(Mark{})
	f.Add([]byte{frameQuestion, 0})
	f.Add(append([]byte{frameHello, 4}, "acme"...))
	f.Add(append([]byte{frameMark, byte(markSize)}, mark[:]...))
	f.Add([]byte{frameMark, 0})
	f.Fuzz(func(t *testing.T, input []byte) {
		kind, content, err := readFrame(bytes.NewReader(input), make([]byte, frameMax))
		if err != nil {
			return
		}
		if !validSize(kind, len(content)) {
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
	lease.ResourceVersion = "1"
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
	g.Expect(at(11*time.Second, 0)).To(BeFalse(), "it was renewed")
	g.Expect(at(11*time.Second, 1)).To(BeFalse(), "it was heard")
	g.Expect(at(11*time.Second, 1)).To(BeTrue())
}
