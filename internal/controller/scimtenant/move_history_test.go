package scimtenant_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// listOf is the servers of a tenant in words.
func listOf(t *scimv1alpha1.ScimTenant) string {
	var texts []string
	for _, s := range t.Status.Servers {
		name := strings.TrimSuffix(strings.TrimSuffix(s.Name, "-server"), "-scim")
		texts = append(texts, name+" "+string(s.Mode))
	}
	return strings.Join(texts, ", ")
}

func haveList(list string) types.GomegaMatcher { return WithTransform(listOf, Equal(list)) }

// history is what a tenant's status has said, in order.
type history struct {
	mu       sync.Mutex
	lists    []string
	unready  []string
	messages []string
}

// watchMove collects what a tenant's status says from now on.
func watchMove(ctx context.Context, tenant *scimv1alpha1.ScimTenant) *history {
	GinkgoHelper()
	h := &history{}
	ctx, stop := context.WithCancel(ctx)
	DeferCleanup(stop)
	watching, err := client.NewWithWatch(env.Config, client.Options{Scheme: env.Client.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	events, err := watching.Watch(ctx, &scimv1alpha1.ScimTenantList{}, client.InNamespace(tenant.Namespace),
		client.MatchingFieldsSelector{Selector: fields.OneTermEqualSelector("metadata.name", tenant.Name)})
	Expect(err).NotTo(HaveOccurred())
	go func() {
		for event := range events.ResultChan() {
			if now, ok := event.Object.(*scimv1alpha1.ScimTenant); ok {
				h.note(now)
			}
		}
	}()
	return h
}

func (h *history) note(now *scimv1alpha1.ScimTenant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if list := listOf(now); len(h.lists) == 0 || h.lists[len(h.lists)-1] != list {
		h.lists = append(h.lists, list)
	}
	if ready := meta.FindStatusCondition(now.Status.Conditions, scimv1alpha1.ConditionReady); ready != nil && ready.Status != metav1.ConditionTrue {
		h.unready = append(h.unready, ready.Reason+": "+ready.Message)
	}
	if moved := meta.FindStatusCondition(now.Status.Conditions, scimv1alpha1.ConditionMoved); moved != nil && !slices.Contains(h.messages, moved.Message) {
		h.messages = append(h.messages, moved.Message)
	}
}

func (h *history) get() (lists, unready, messages []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.lists), slices.Clone(h.unready), slices.Clone(h.messages)
}

// seen is the lists of servers so far.
func (h *history) seen() []string {
	lists, _, _ := h.get()
	return lists
}

func movedMessage(t *scimv1alpha1.ScimTenant) string {
	if moved := meta.FindStatusCondition(t.Status.Conditions, scimv1alpha1.ConditionMoved); moved != nil {
		return moved.Message
	}
	return fmt.Sprintf("no condition in %+v", t.Status.Conditions)
}
