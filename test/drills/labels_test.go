//go:build drills

package drills

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// labelledSizes are how many users are there when a tenant gets labels. The pod that leads labels up to 50 in a
// second, so that 100,000 would take it more than half an hour: 30,000 are what a drill of 25 minutes has time for.
var labelledSizes = []int{10_000, 30_000}

const (
	// daysWork is how many users clients create, read and find before there are labels, to compare with.
	daysWork = 600
	// selections is how often kubectl is asked in each way, and comparedWrites how many users are created and changed
	// with labels and without.
	selections, comparedWrites = 5, 200
	// labelTime is for how long it is waited that a user is labelled, on average.
	labelTime = 60 * time.Millisecond
)

var _ = Describe("Labels by attributes", func() {
	for _, size := range labelledSizes {
		It(fmt.Sprintf("come to %d users who are there already while requests go on, selectors find whom they should, and nothing is written then", size), func(ctx SpecContext) {
			t := serveMany(ctx, "labels", scimv1alpha1.IdentityProviderGeneric, manyUsers)
			s := newStaff(t)
			began := time.Now()
			s.hire(size)
			AddReportEntry("users who were there, created by bulk requests in", fmt.Sprintf("%d, %s", size, time.Since(began).Round(time.Second)))

			day := s.beginDay(ctx)
			Eventually(day.cycles).WithTimeout(10 * time.Minute).WithPolling(time.Second).Should(BeNumerically(">=", daysWork))
			day.end()
			Expect(day.failed).To(BeEmpty())

			By("setting spec.users.labels")
			meanwhile := s.beginDay(ctx)
			written := label(ctx, s)
			Expect(namesBy(t, "-l", "!team")).To(BeEmpty(), "UsersSelectable is True")
			meanwhile.end()
			Expect(meanwhile.failed).To(BeEmpty())
			Expect(written).To(BeNumerically("<=", len(s.numbers)), "each is written once at the most")
			for _, what := range []string{creation, reading, finding} {
				for _, percent := range []int{50, 99} {
					before, during := quantile(day.took[what], percent), quantile(meanwhile.took[what], percent)
					AddReportEntry(fmt.Sprintf("p%d of %d %s before, of %d meanwhile, and their ratio", percent, len(day.took[what]), what, len(meanwhile.took[what])),
						fmt.Sprintf("%s, %s, %.2f", milliseconds(before), milliseconds(during), during.Seconds()/before.Seconds()))
				}
			}
			expectLabels(ctx, s)

			By("asking kubectl for some of them")
			expectSelected(s)

			By("writing with labels and without")
			compareWrites(s, newStaff(serveMany(ctx, "unlabelled", scimv1alpha1.IdentityProviderGeneric, manyUsers)))

			By("being at rest")
			still, writes := versionsOfUsers(ctx, t), requestsAbout("scimusers").writes
			Consistently(func() int { return requestsAbout("scimusers").writes }).WithTimeout(restTime).WithPolling(5 * time.Second).Should(Equal(writes))
			Expect(maps.Equal(versionsOfUsers(ctx, t), still)).To(BeTrue(), "resourceVersions stay")
			AddReportEntry(fmt.Sprintf("writes of users, of whom there were %d, in %s without requests", len(still), restTime), 0)
		})
	}
})

// manyUsers lets a tenant have as many users as there are in a drill, and be sent as much as it can answer.
func manyUsers(spec *scimv1alpha1.ScimTenantSpec) {
	Unlimited(spec)
	spec.StorageLimit = ptr.To(resource.MustParse("8Gi"))
}

// serveMany is Serve for a tenant that gets very many users: it is waited longer for the end of its namespace.
func serveMany(ctx SpecContext, name string, provider scimv1alpha1.IdentityProvider, changes ...func(*scimv1alpha1.ScimTenantSpec)) *Tenant {
	GinkgoHelper()
	namespace := ""
	DeferCleanup(func(ctx SpecContext) { // It runs after the namespace was deleted.
		Eventually(func() bool {
			return apierrors.IsNotFound(Cluster.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{}))
		}).WithTimeout(20 * time.Minute).WithPolling(time.Second).Should(BeTrue())
	})
	namespace = NewNamespace(ctx, name)
	return ServeIn(ctx, namespace, NewTenant(namespace, name, provider, changes...))[0]
}

var haveLabels = regexp.MustCompile(`^(\d+) of (\d+) users have`)

// label gives a tenant labels, waits until UsersSelectable says that its users have them, and returns how many writes of
// users that took.
func label(ctx SpecContext, s *staff) (count int) {
	GinkgoHelper()
	t, users := s.tenant, s.size()
	tenant := NewTenant(t.Namespace, t.Name, scimv1alpha1.IdentityProviderGeneric, manyUsers, func(spec *scimv1alpha1.ScimTenantSpec) {
		spec.Users.Labels = []scimv1alpha1.UserLabel{{Key: "team", Attribute: URNEnterprise + ":department"}, {Key: "example.com/type", Attribute: "userType"}}
	})
	type sample struct {
		at      time.Duration
		written int
	}
	samples := []sample{{0, requestsAbout("scimusers").patches}}
	var said []int
	began := time.Now()
	Apply(tenant)
	Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
	wanted := tenant.Generation
	Eventually(func(g Gomega) {
		samples = append(samples, sample{time.Since(began), requestsAbout("scimusers").patches})
		g.Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
		condition := meta.FindStatusCondition(tenant.Status.Conditions, scimv1alpha1.ConditionUsersSelectable)
		g.Expect(condition).To(HaveField("ObservedGeneration", wanted))
		if found := haveLabels.FindStringSubmatch(condition.Message); found != nil {
			have, err := strconv.Atoi(found[1])
			Expect(err).NotTo(HaveOccurred())
			said = slices.Compact(append(said, have))
		}
		g.Expect(condition.Status).To(Equal(metav1.ConditionTrue), condition.Message)
	}).WithTimeout(5*time.Minute + time.Duration(users)*labelTime).WithPolling(5 * time.Second).Should(Succeed())
	selectable := time.Since(began)
	Expect(said).NotTo(BeEmpty(), "UsersSelectable says how far it is")
	Expect(slices.IsSorted(said)).To(BeTrue(), "%v", said)

	first, last := samples[0], samples[len(samples)-1]
	end, most := last, 0.0
	for i, one := range samples {
		if one.written == last.written && one.at < end.at {
			end = one
		}
		for _, before := range samples[:i] {
			if over := one.at - before.at; over >= 10*time.Second {
				most = max(most, float64(one.written-before.written)/over.Seconds())
			}
		}
	}
	count = last.written - first.written
	Expect(count).To(BeNumerically(">=", users))
	AddReportEntry("from spec.users.labels with two keys until all users had them, and until UsersSelectable was True", fmt.Sprintf("%s, %s",
		end.at.Round(time.Second), selectable.Round(time.Second)))
	AddReportEntry("users who had them by what UsersSelectable said meanwhile", strings.Trim(fmt.Sprint(said), "[]"))
	AddReportEntry(fmt.Sprintf("writes for that, where %d users had none: in all, in a second, and in one of the ten seconds with the most", users), fmt.Sprintf("%d, %.1f, %.1f", count, float64(count)/end.at.Seconds(), most))
	return count
}

// metadataOfUsers is that of the users of a tenant, who are all that its namespace has.
func metadataOfUsers(ctx SpecContext, t *Tenant) []metav1.PartialObjectMetadata {
	GinkgoHelper()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUserList"))
	Expect(Cluster.List(ctx, list, client.InNamespace(t.Namespace))).To(Succeed())
	return list.Items
}

func versionsOfUsers(ctx SpecContext, t *Tenant) map[string]string {
	GinkgoHelper()
	versions := map[string]string{}
	for _, user := range metadataOfUsers(ctx, t) {
		versions[user.Name] = user.ResourceVersion
	}
	return versions
}

// expectLabels expects that every user, of whom no other than those that are known are there, has the labels that follow from the attributes.
func expectLabels(ctx SpecContext, s *staff) {
	GinkgoHelper()
	users := metadataOfUsers(ctx, s.tenant)
	Expect(users).To(HaveLen(len(s.numbers)))
	for _, user := range users {
		number, known := s.numbers[user.Name]
		Expect(known).To(BeTrue(), user.Name)
		wanted := map[string]string{scimv1alpha1.LabelTenant: s.tenant.Name, "team": teamOf(number), "example.com/type": strings.ToLower(userTypeOf(number))}
		if !maps.Equal(user.Labels, wanted) {
			Expect(user.Labels).To(Equal(wanted), user.Name)
		}
	}
}

// namesBy are the names of the users whom kubectl shows by selectors.
func namesBy(t *Tenant, selectors ...string) (names []string) {
	GinkgoHelper()
	for line := range strings.Lines(Kubectl(append([]string{"get", "scimusers", "-n", t.Namespace, "--no-headers"}, selectors...)...)) {
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

// expectSelected asks kubectl for all users, for those with a label and for one by the userName in lower case.
func expectSelected(s *staff) {
	GinkgoHelper()
	const number = 7
	byLabel, byField, all := []string{"-l", "team=" + teamOf(number)}, []string{"--field-selector", "spec.lookup.userName=" + strings.ToLower(userNameOf(number))}, []string(nil)
	var team, one, everyone []string
	for id, other := range s.numbers {
		everyone = append(everyone, id)
		if teamOf(other) == teamOf(number) {
			team = append(team, id)
		}
		if other == number {
			one = append(one, id)
		}
	}
	Expect(one).To(HaveLen(1))
	ways := []struct {
		selectors, wanted []string
		took              []time.Duration
	}{{selectors: all, wanted: everyone}, {selectors: byLabel, wanted: team}, {selectors: byField, wanted: one}}
	for range selections {
		for i := range ways { // In turn, so that all meet the same load of the machine.
			way := &ways[i]
			began := time.Now()
			found := namesBy(s.tenant, way.selectors...)
			way.took = append(way.took, time.Since(began))
			Expect(slices.Equal(slices.Sorted(slices.Values(found)), slices.Sorted(slices.Values(way.wanted)))).To(BeTrue(),
				"%v: %d found, and %d wanted", way.selectors, len(found), len(way.wanted))
		}
	}
	whole := quantile(ways[0].took, 50)
	for _, way := range ways[1:] {
		took := quantile(way.took, 50)
		AddReportEntry(fmt.Sprintf("kubectl get scimusers %s, which finds %d of %d; without, and the ratio", strings.Join(way.selectors, " "), len(way.wanted), len(everyone)),
			fmt.Sprintf("%s, %s, %.2f", milliseconds(took), milliseconds(whole), took.Seconds()/whole.Seconds()))
	}
}

// compareWrites creates users in two tenants, of which one has labels, and changes an attribute of which there is one.
func compareWrites(with, without *staff) {
	GinkgoHelper()
	both := []*staff{with, without}
	var created, changed [2][]time.Duration
	clients := make([]*Client, len(both))
	for i, s := range both {
		c, closeIdle := s.tenant.Replicas[0].Lasting()
		defer closeIdle()
		clients[i] = c
		c.Get(Users + "?count=1").Has(http.StatusOK) // The connection is there.
	}
	for n := range comparedWrites {
		for turn := range both {
			i := (turn + n) % len(both) // By turns, so that both meet the same load of the machine.
			number := int(both[i].next.Add(1)) - 1
			made := clients[i].Do(http.MethodPost, Users, personOf(number)).Has(http.StatusCreated)
			moved := clients[i].Do(http.MethodPatch, Users+"/"+made.ID(), Patch(fmt.Sprintf(`{"op":"replace","path":"%s:department","value":%q}`,
				URNEnterprise, departmentOf(number+1)))).Has(http.StatusOK)
			created[i], changed[i] = append(created[i], made.Took), append(changed[i], moved.Took)
		}
	}
	compare := func(what string, took [2][]time.Duration) {
		one, other := quantile(took[0], 50), quantile(took[1], 50)
		AddReportEntry(fmt.Sprintf("median of %d %s in this tenant, in one without labels, and their ratio", comparedWrites, what),
			fmt.Sprintf("%s, %s, %.2f", milliseconds(one), milliseconds(other), one.Seconds()/other.Seconds()))
	}
	compare("creations", created)
	compare("changes of the attribute of a label", changed)
}
