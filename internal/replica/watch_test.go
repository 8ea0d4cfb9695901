package replica

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
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
