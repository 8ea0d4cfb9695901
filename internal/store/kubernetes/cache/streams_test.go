package cache

import (
	"context"
	"log/slog"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

var _ = Describe("Streams of many tenants", func() {
	var (
		namespace string
		streams   *Streams
		lists     chan string // the selectors of what is listed
	)

	create := func(ctx context.Context, tenant, userName string) *scimv1alpha1.ScimUser {
		GinkgoHelper()
		now := metav1.NowMicro()
		user := &scimv1alpha1.ScimUser{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: uuid.NewString()},
			Spec: scimv1alpha1.ScimUserSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: tenant}, UserName: userName,
				Meta: scimv1alpha1.ResourceMeta{CreatedTime: now, LastModifiedTime: now},
			},
		}
		Expect(live.Create(ctx, user)).To(Succeed())
		return user
	}
	users := func(memory *Cache) func() int { return func() int { return memory.Counts().Users } }
	current := func(ctx context.Context, memory *Cache) func() error {
		return func() error { return memory.Current(ctx, memory.Registry().User(), alone{memory}) }
	}
	hosted := func(tenant string) *Cache {
		memory := streams.Cache(tenant)
		memory.Follow(registry)
		return memory
	}
	run := func() {
		running, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			streams.Run(running, alone{streams.Cache("")})
		}()
		DeferCleanup(func() {
			stop()
			Eventually(ended).Should(BeClosed())
		})
		streams.Begin()
	}

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		lists = make(chan string, 1000)
		counted := interceptor.NewClient(watching, interceptor.Funcs{
			Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
				options := (&client.ListOptions{}).ApplyOptions(opts)
				if options.Raw.ResourceVersion == "" {
					selected := ""
					if options.FieldSelector != nil {
						selected = options.FieldSelector.String()
					}
					lists <- selected
				}
				return c.Watch(ctx, list, opts...)
			},
		})
		streams = NewStreams(counted, namespace, readindex.NewMarks(), slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
	})

	It("list once for all that are there at first, and show each its own", func(ctx SpecContext) {
		create(ctx, "acme", "babs")
		create(ctx, "acme", "jim")
		create(ctx, "globex", "hank")
		create(ctx, "stranger", "who")
		acme, globex := hosted("acme"), hosted("globex")
		run()
		Eventually(acme.Synced).Should(BeTrue())
		Eventually(globex.Synced).Should(BeTrue())
		Expect([]int{acme.Counts().Users, globex.Counts().Users}).To(Equal([]int{2, 1}))
		Expect(lists).To(HaveLen(int(readindex.Kinds)))
		create(ctx, "globex", "scorpio")
		Eventually(users(globex)).Should(Equal(2))
		Expect(acme.Counts().Users).To(Equal(2))
		Eventually(current(ctx, globex)).Should(Succeed())
	})

	It("take in a tenant that comes, goes, or has other schemas, and leave the others alone", func(ctx SpecContext) {
		for range 5 {
			create(ctx, "acme", uuid.NewString())
		}
		create(ctx, "globex", "hank")
		globex := hosted("globex")
		run()
		Eventually(globex.Synced).Should(BeTrue())
		shown := globex.Index()

		acme := hosted("acme")
		Eventually(acme.Synced).Should(BeTrue())
		Expect(acme.Counts().Users).To(Equal(5))
		one := create(ctx, "acme", "babs")
		Eventually(users(acme)).Should(Equal(6))
		Eventually(current(ctx, acme)).Should(Succeed())

		other, err := schema.NewRegistry()
		Expect(err).NotTo(HaveOccurred())
		acme.Follow(other)
		Expect(acme.Synced()).To(BeFalse(), "what is there is of the other types")
		Expect(live.Delete(ctx, one)).To(Succeed())
		Eventually(acme.Synced).Should(BeTrue())
		Eventually(users(acme)).Should(Equal(5))
		Eventually(current(ctx, acme)).Should(Succeed())

		acme.Close()
		Expect(acme.Counts().Users).To(BeZero())
		create(ctx, "acme", "late")
		create(ctx, "globex", "scorpio")
		Eventually(users(globex)).Should(Equal(2))
		Expect(globex.Index()).To(BeIdenticalTo(shown), "nothing was read anew of it")
		Expect(globex.Synced()).To(BeTrue())
		again := hosted("acme")
		Eventually(users(again)).Should(Equal(6))
		Consistently(func() int { return len(lists) }, "1s").Should(Equal(4*int(readindex.Kinds)), "once for all and three times for acme")
	})

	It("begin anew for all when etcd was restored", func(ctx SpecContext) {
		create(ctx, "acme", "babs")
		acme, globex := hosted("acme"), hosted("globex")
		run()
		Eventually(acme.Synced).Should(BeTrue())
		create(ctx, "acme", "jim")
		Eventually(users(acme)).Should(Equal(2))
		streams.Restart()
		Expect(acme.Synced()).To(BeFalse())
		Expect(globex.Synced()).To(BeFalse())
		Eventually(acme.Synced).Should(BeTrue())
		Eventually(globex.Synced).Should(BeTrue())
		Expect(acme.Counts().Users).To(Equal(2))
	})
})
