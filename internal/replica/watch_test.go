package replica

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/internal/contract"
)

func TestWatchesThatEndAtOnceAreBegunAgainMoreAndMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := 0
		f := &follower{
			client: interceptor.NewClient(nil, interceptor.Funcs{
				Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
					return nil
				},
				Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
					begun++
					events := make(chan watch.Event)
					close(events)
					return watch.NewProxyWatcher(events), nil
				},
			}),
			log: slog.New(slog.DiscardHandler), key: client.ObjectKey{Namespace: "acme", Name: "acme"},
			newObject: func() client.Object { return &corev1.Secret{} },
			newList:   func() client.ObjectList { return &corev1.SecretList{} },
			seen:      func(client.Object, string) {},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		f.run(ctx)
		NewWithT(t).Expect(begun).To(And(BeNumerically(">", 5), BeNumerically("<", 20)), "in a minute")
	})
}

// The operator waits for contract.NoVerifiers while the Secret does not exist.
func TestADeletedObjectHasNoVersion(t *testing.T) {
	g := NewWithT(t)
	events := watch.NewFakeWithChanSize(2, false)
	events.Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7"}})
	events.Delete(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "8"}})
	events.Stop()
	var versions []string
	f := &follower{
		client: interceptor.NewClient(nil, interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return apierrors.NewNotFound(corev1.Resource("secrets"), "acme")
			},
			Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
				return events, nil
			},
		}),
		log: slog.New(slog.DiscardHandler), key: client.ObjectKey{Namespace: "acme", Name: "acme"},
		newObject: func() client.Object { return &corev1.Secret{} },
		newList:   func() client.ObjectList { return &corev1.SecretList{} },
		seen:      func(_ client.Object, version string) { versions = append(versions, version) },
	}
	g.Expect(f.once(t.Context())).To(Succeed())
	g.Expect(versions).To(Equal([]string{contract.NoVerifiers, "7", contract.NoVerifiers}))
}
