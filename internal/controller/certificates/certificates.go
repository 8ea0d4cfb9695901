// Package certificates looks at the certificates in Secrets of type kubernetes.io/tls that somebody
// else writes, and remembers what it has found. What is said of that, and to whom, is up to who asks.
package certificates

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/operand"
)

// How soon to look again at a certificate: one that is good may be replaced, and
// one that is not is likely to be. No watch tells, since to watch Secrets is to
// get them all.
const (
	goodInterval = 10 * time.Minute
	badInterval  = 10 * time.Second
)

// About is which certificate a finding is about.
type About struct {
	// Owner is the object whose spec names the Secret, in the Namespace.
	Owner             types.UID
	Namespace, Secret string
	// Host is the one that the certificate must be for; empty for any.
	Host string
	// Key is whether the private key in the Secret must be the certificate's: that of who presents it.
	// Who else does so looks at it itself.
	Key bool
}

// State is what a certificate is worth.
type State int

// Good is a certificate that can be used, and ExpiringSoon one that can not for much longer. Of the
// others, one that is there is of no use.
const (
	Good State = iota
	ExpiringSoon
	NotFound
	Invalid
	NotYet
	Expired
	NotForHost
	// KeyOfAnother is one whose private key is there not, cannot be read, or is another certificate's.
	KeyOfAnother
)

// Finding is what was found about a certificate.
type Finding struct {
	State State
	// Type is that of the Secret.
	Type corev1.SecretType
	// Begins and Expires are when the certificate does, if it can be read.
	Begins, Expires time.Time

	about About
	until time.Time
}

// Again is how soon to look again.
func (f *Finding) Again() time.Duration { return max(time.Until(f.until), time.Second) }

// usable reports whether the certificate can be used, be it not for much longer.
func (f *Finding) usable() bool { return f.State == Good || f.State == ExpiringSoon }

// Reader looks at certificates, one for each owner. It remembers, so that not every reconciliation reads
// a Secret. It is safe for concurrent use.
type Reader struct {
	// Live reads at the API server, past every cache.
	Live client.Reader

	mu    sync.Mutex
	found map[types.UID]Finding
}

// Find returns what is found about a certificate, or was a short while ago.
func (r *Reader) Find(ctx context.Context, about About) (*Finding, error) {
	now := time.Now()
	if found, known := r.get(about, now); known {
		return &found, nil
	}
	found := Finding{State: NotFound}
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, types.NamespacedName{Namespace: about.Namespace, Name: about.Secret}, secret)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, fmt.Errorf("reading the certificate in Secret %s: %w", about.Secret, err)
	default: // The rest of the Secret, and so the private key, is dropped at once.
		found = Judge(secret.Data[corev1.TLSCertKey], about.Host, now)
		found.Type = secret.Type
		if about.Key && found.usable() && !fits(secret.Data) {
			found.State = KeyOfAnother
		}
	}
	found.about, found.until = about, now.Add(badInterval)
	if found.usable() {
		found.until = now.Add(goodInterval)
		if found.Expires.Before(found.until) {
			found.until = found.Expires
		}
	}
	r.set(found)
	return &found, nil
}

// Judge says what a certificate is worth for a host, or for any if that is empty.
func Judge(chain []byte, host string, now time.Time) Finding {
	certificate, err := operand.ReadCertificate(chain)
	if err != nil {
		return Finding{State: Invalid}
	}
	found := Finding{State: Good, Begins: certificate.Begins(), Expires: certificate.Expires()}
	switch {
	case now.After(found.Expires):
		found.State = Expired
	case now.Before(found.Begins):
		found.State = NotYet
	case host != "" && !certificate.IsFor(host):
		found.State = NotForHost
	case !now.Before(conditions.Notice(found.Begins, found.Expires)):
		found.State = ExpiringSoon
	}
	return found
}

// fits reports whether the private key of a Secret is its certificate's.
func fits(data map[string][]byte) bool {
	_, err := tls.X509KeyPair(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey])
	return err == nil
}

// Forget forgets what was found for an owner.
func (r *Reader) Forget(owner types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.found, owner)
}

func (r *Reader) get(about About, now time.Time) (Finding, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.found[about.Owner]
	return last, ok && last.about == about && now.Before(last.until)
}

func (r *Reader) set(found Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil {
		r.found = map[types.UID]Finding{}
	}
	r.found[found.about.Owner] = found
}
