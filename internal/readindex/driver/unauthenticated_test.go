package driver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex"
)

// The frames of the protocol that anybody may try.
var (
	frameQuestion = []byte{3, 0}
	frameLeave    = append([]byte{5, 24, 0x40}, make([]byte, 23)...)
)

func hello(name string) []byte { return append([]byte{1, byte(len(name))}, name...) }

// certificate makes a certificate, and its fingerprint as it stands in a Lease.
func certificate() (tls.Certificate, string) {
	GinkgoHelper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Expect(err).NotTo(HaveOccurred())
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	Expect(err).NotTo(HaveOccurred())
	sum := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
}

func (w *world) leaseMeta(name, tenant string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: map[string]string{
		scimv1alpha1.LabelTenant: tenant, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
	}}
}

// register writes a Lease as a replica does that has the address and fingerprint.
func (w *world) register(ctx context.Context, name, tenant, address, fingerprint string) {
	GinkgoHelper()
	lease := &coordinationv1.Lease{ObjectMeta: w.leaseMeta(name, tenant), Spec: coordinationv1.LeaseSpec{
		LeaseDurationSeconds: ptr.To[int32](8), RenewTime: ptr.To(metav1.NowMicro()),
	}}
	lease.Annotations = map[string]string{contract.AnnotationPeerAddress: address, contract.AnnotationPeerFingerprint: fingerprint}
	Expect(admin.Create(ctx, lease)).To(Succeed())
}

var _ = Describe("Whoever is not authenticated", func() {
	var (
		w       *world
		members []*replica
		address string
	)

	BeforeEach(func(ctx SpecContext) {
		timing := patient
		timing.Round = 2 * time.Second // So long one waits for a newcomer that cannot be dialled.
		w = newWorld(ctx, timing)
		members = w.startAll(2)
		answered(ctx, members...)
		address = w.lease(ctx, members[0].name).Annotations[contract.AnnotationPeerAddress]
	})

	// dial dials a member by TLS; nil when the member refuses already that.
	dial := func(config *tls.Config) *tls.Conn {
		GinkgoHelper()
		config.InsecureSkipVerify, config.NextProtos = true, []string{"kubescim-barrier/1"}
		conn, err := tls.Dial("tcp", address, config)
		if err != nil {
			return nil
		}
		DeferCleanup(func() { _ = conn.Close() })
		Expect(conn.SetDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
		return conn
	}
	// rest returns all that comes until the member closes the connection.
	rest := func(conn *tls.Conn) []byte {
		GinkgoHelper()
		answer, err := io.ReadAll(conn)
		Expect(errors.Is(err, os.ErrDeadlineExceeded)).To(BeFalse(), "the connection must be closed")
		return answer
	}
	// says sends something and returns all that comes back.
	says := func(config *tls.Config, frames ...[]byte) []byte {
		GinkgoHelper()
		conn := dial(config)
		if conn == nil {
			return nil
		}
		for _, frame := range frames {
			if _, err := conn.Write(frame); err != nil {
				break
			}
		}
		return rest(conn)
	}

	AfterEach(func(ctx SpecContext) {
		Expect(members[0].log.marks.Max()[readindex.Users]).To(BeNumerically("<", 0x40<<56), "nobody's word was taken")
		revision := w.write(ctx)
		members[1].acknowledge(revision)
		Eventually(func(g Gomega) {
			g.Expect(users(ctx, members[0])).To(And(BeNumerically(">=", revision), BeNumerically("<", 0x40<<56)))
		}).Should(Succeed())
	})

	DescribeTable("gets nothing",
		func(ctx SpecContext, frames func() [][]byte, prepare func(ctx context.Context, fingerprint string)) {
			own, fingerprint := certificate()
			prepare(ctx, fingerprint)
			Expect(says(&tls.Config{Certificates: []tls.Certificate{own}}, frames()...)).To(BeEmpty())
		},
		Entry("without a hello", func() [][]byte { return [][]byte{frameQuestion} }, nothing),
		Entry("by leaving in the name of nobody", func() [][]byte { return [][]byte{frameLeave} }, nothing),
		Entry("in the name of a member", func() [][]byte { return [][]byte{hello("acme-scim-1"), frameLeave} }, nothing),
		Entry("in the name of the replica itself", func() [][]byte { return [][]byte{hello("acme-scim-0"), frameQuestion} }, nothing),
		Entry("in the name of a pod without a Lease", func() [][]byte { return [][]byte{hello("acme-scim-9"), frameQuestion} }, nothing),
		Entry("in a name that is none", func() [][]byte { return [][]byte{hello("../secrets/acme"), frameQuestion} }, nothing),
		Entry("with an empty name", func() [][]byte { return [][]byte{{1, 0}} }, nothing),
		Entry("with a name that is too long", func() [][]byte { return [][]byte{append([]byte{1, 255}, make([]byte, 255)...)} }, nothing),
		Entry("with garbage", func() [][]byte { return [][]byte{[]byte("GET / HTTP/1.1\r\nHost: acme.example.com\r\n\r\n")} }, nothing),
		Entry("with two frames in one", func() [][]byte { return [][]byte{append(hello("acme-scim-9"), frameQuestion...)} }, nothing),
		Entry("with a replica's Lease of another tenant",
			func() [][]byte { return [][]byte{hello("globex-scim-0"), frameQuestion} },
			func(ctx context.Context, fingerprint string) {
				w.register(ctx, "globex-scim-0", "globex", "127.0.0.1:9", fingerprint)
			}),
	)

	It("gets nothing without a certificate", func() {
		Expect(says(&tls.Config{}, hello("acme-scim-1"))).To(BeEmpty())
	})

	It("gets nothing without TLS, and cannot keep others out by staying silent", func(ctx SpecContext) {
		crowd := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		over, stop := context.WithCancel(ctx)
		var silent sync.WaitGroup
		DeferCleanup(func() {
			stop()
			silent.Wait()
		})
		for range 64 { // As many at any moment: each that is closed is followed by another.
			silent.Go(func() {
				for over.Err() == nil {
					conn, err := crowd.DialContext(over, "tcp", address)
					if err != nil {
						return
					}
					hangUp := context.AfterFunc(over, func() { _ = conn.Close() })
					_, _ = io.Copy(io.Discard, conn)
					hangUp()
					_ = conn.Close()
					time.Sleep(time.Millisecond)
				}
			})
		}
		newcomer := w.start("acme-scim-new")
		Eventually(newcomer.Member, "20s").Should(BeTrue())
	})

	It("cannot end reading from memory by lying when it leaves, although it has a Lease", func(ctx SpecContext) {
		own, fingerprint := certificate()
		w.register(ctx, "acme-scim-9", tenantName, "127.0.0.1:9", fingerprint)
		conn := dial(&tls.Config{Certificates: []tls.Certificate{own}})
		_, err := conn.Write(hello("acme-scim-9"))
		Expect(err).NotTo(HaveOccurred())
		answer := make([]byte, 2)
		_, err = io.ReadFull(conn, answer)
		Expect(err).NotTo(HaveOccurred())
		_, err = conn.Write(frameLeave)
		Expect(err).NotTo(HaveOccurred())
		_, err = io.ReadFull(conn, answer)
		Expect(err).NotTo(HaveOccurred())
		Expect(answer).To(Equal([]byte{6, 0}), "it was well-formed, and taken for what it is")
		revision := w.write(ctx)
		members[0].acknowledge(revision)
		Eventually(func(g Gomega) {
			g.Expect(users(ctx, members[0])).To(And(BeNumerically(">=", revision), BeNumerically("<", 1<<50)))
		}).Should(Succeed())
		Expect(members[0].log.restarted()).To(BeZero())
	})

	It("is answered once it has a Lease of the tenant, until it sends garbage", func(ctx SpecContext) {
		own, fingerprint := certificate()
		w.register(ctx, "acme-scim-9", tenantName, "127.0.0.1:9", fingerprint)
		conn := dial(&tls.Config{Certificates: []tls.Certificate{own}})
		_, err := conn.Write(hello("acme-scim-9"))
		Expect(err).NotTo(HaveOccurred())
		known := make([]byte, 2)
		_, err = io.ReadFull(conn, known)
		Expect(err).NotTo(HaveOccurred())
		Expect(known).To(Equal([]byte{2, 0}))
		revision := w.write(ctx)
		members[0].acknowledge(revision)
		_, err = conn.Write(frameQuestion)
		Expect(err).NotTo(HaveOccurred())
		answer := make([]byte, 26)
		_, err = io.ReadFull(conn, answer)
		Expect(err).NotTo(HaveOccurred())
		Expect(answer[:2]).To(Equal([]byte{4, 24}))
		Expect(binary.BigEndian.Uint64(answer[2:])).To(BeNumerically(">=", revision))
		_, err = conn.Write([]byte{99, 1, 0})
		Expect(err).NotTo(HaveOccurred())
		Expect(rest(conn)).To(BeEmpty())
	})

	It("is not talked to at a replica's address with another certificate", func(ctx SpecContext) {
		own, _ := certificate()
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{own}, ClientAuth: tls.RequestClientCert, NextProtos: []string{"kubescim-barrier/1"},
		})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(listener.Close)
		heard := make(chan []byte, 100)
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				content, _ := io.ReadAll(conn)
				heard <- content
				_ = conn.Close()
			}
		}()
		_, other := certificate()
		w.register(ctx, "acme-scim-9", tenantName, listener.Addr().String(), other)
		newcomer := w.start("acme-scim-new")
		Eventually(heard).Should(Receive(BeEmpty()))
		Expect(newcomer.Member()).To(BeFalse())
	})
})

func nothing(context.Context, string) {}
