package cache

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// What happens while a tenant is read is told as a script: "list 5" brings the user at revision 5
// in the list, "put 7" and "delete 7" are what the stream brings at 7, and "end 10" ends a list as
// of 10. It is followed by whether there is a user.
func TestATenantIsReadWhileTheStreamGoesOn(t *testing.T) {
	for script, exists := range map[string]bool{
		"list 5, end 10":                true,
		"end 10":                        false,
		"put 7, end 10":                 false, // It is gone again, and the stream will say so.
		"put 12, end 10":                true,
		"delete 12, list 5, end 10":     false,
		"list 5, delete 12, end 10":     false,
		"delete 4, list 5, end 10":      true,
		"put 7, list 5, end 10":         true,
		"list 5, end 10, delete 12":     false,
		"list 5, end 10, delete 4":      true,  // Another one of the name.
		"end 10, put 7":                 false, // A stream that is behind the list.
		"end 10, put 12":                true,
		"list 5, end 10, again, end 20": false,
		"list 5, end 10, delete 12, again, list 15, end 20":       true,
		"list 5, end 10, put 12, again, put 25, end 20":           true,
		"list 5, end 10, again, delete 18, put 15, end 20":        false,
		"list 5, again, list 15, delete 22, end 20, put 21":       true,
		"list 5, end 10, again, list 5, put 12, delete 14, end 9": false,
	} {
		t.Run(script, func(t *testing.T) {
			g := NewWithT(t)
			memory := NewStreams(nil, "default", readindex.NewMarks(), slog.New(slog.DiscardHandler)).Cache("acme")
			memory.Follow(registry)
			a, id := memory.now(), uuid.NewString()
			round := a.parts[readindex.Users].gather(inRead)
			user := func(revision string) client.Object {
				return &scimv1alpha1.ScimUser{
					ObjectMeta: metav1.ObjectMeta{Name: id, ResourceVersion: revision},
					Spec:       scimv1alpha1.ScimUserSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, UserName: "babs"},
				}
			}
			for step := range strings.SplitSeq(script, ", ") {
				what, revision, _ := strings.Cut(step, " ")
				var err error
				switch what {
				case "list":
					_, err = a.readEvent(readindex.Users, round, watch.Event{Type: watch.Added, Object: user(revision)})
				case "end":
					var complete bool
					complete, err = a.readEvent(readindex.Users, round, bookmark(revision, map[string]string{metav1.InitialEventsAnnotationKey: "true"}))
					g.Expect(complete).To(BeTrue())
					g.Expect(strconv.FormatUint(memory.Revisions()[readindex.Users], 10)).To(Equal(fmt.Sprint(max(atoi(revision), memory.Revisions()[readindex.Users]))))
				case "again":
					round = a.parts[readindex.Users].gather(inRead)
				case "put":
					a.change(readindex.Users, watch.Modified, user(revision))
				case "delete":
					a.change(readindex.Users, watch.Deleted, user(revision))
				}
				g.Expect(err).NotTo(HaveOccurred())
			}
			g.Expect(memory.Index().Knows(uuid.MustParse(id))).To(Equal(exists))
		})
	}
}

func atoi(text string) uint64 {
	number, _ := strconv.ParseUint(text, 10, 64)
	return number
}

func TestAListOfTheStreamOvertakesTheReadingOfATenant(t *testing.T) {
	g := NewWithT(t)
	streams := NewStreams(nil, "default", readindex.NewMarks(), slog.New(slog.DiscardHandler))
	memory := streams.Cache("acme")
	memory.Follow(registry)
	a := memory.now()
	round := a.parts[readindex.Users].gather(inRead)
	a.beginList(readindex.Users)
	_, err := a.readEvent(readindex.Users, round, bookmark("5", map[string]string{metav1.InitialEventsAnnotationKey: "true"}))
	g.Expect(err).To(MatchError(errOvertaken))
	a.endList(readindex.Users, 7)
	g.Expect(a.isFollowing(readindex.Users)).To(BeTrue())

	round = a.parts[readindex.Users].gather(inRead)
	memory.Close()
	_, err = a.readEvent(readindex.Users, round, bookmark("9", map[string]string{metav1.InitialEventsAnnotationKey: "true"}))
	g.Expect(err).To(MatchError(errOvertaken))
	g.Expect(memory.Registry()).To(BeNil())
	g.Expect(streams.hosted(0, "acme")).To(BeNil())
}

// Of an object that cannot be read it is known whose it is, unless that is what cannot be read.
func TestWhoseAnObjectIsThatCannotBeRead(t *testing.T) {
	for spec, tenant := range map[string]string{
		`{"tenantRef":{"name":"acme"},"userName":5}`: "acme",
		`{"tenantRef":{"name":7},"userName":"babs"}`: "",
		`7`: "",
	} {
		g := NewWithT(t)
		source := sourceOf("scimusers", func() (client.Object, *scimv1alpha1.ScimUserSpec) {
			object := &scimv1alpha1.ScimUser{}
			return object, &object.Spec
		})
		event, object, err := source.event([]byte(`{"type":"MODIFIED","object":{"metadata":{"name":"a"},"spec":` + spec + `}}`))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(event).To(Equal(watch.Modified))
		g.Expect(object).To(BeAssignableToTypeOf(&unreadable{}))
		g.Expect(tenantOf(object)).To(Equal(tenant), spec)
	}
}

// Whoever may change the schemas of one of many tenants cannot have it read anew all the time.
func TestATenantThatChangesAllTheTimeIsReadNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		streams := NewStreams(nil, "default", readindex.NewMarks(), slog.New(slog.DiscardHandler))
		memory := streams.Cache("acme")
		read := 0
		began := time.Now()
		for time.Since(began) < 20*attachSpacing {
			other, err := schema.NewRegistry()
			g.Expect(err).NotTo(HaveOccurred())
			memory.Follow(other)
			for next := streams.next(); next != nil; next = streams.next() {
				read++
			}
			time.Sleep(attachSpacing / 10)
		}
		time.Sleep(2 * attachSpacing)
		last := streams.next()
		g.Expect(last).To(BeIdenticalTo(memory.now()), "what it is now is read in the end")
		g.Expect(read).To(BeNumerically("<=", 21))
	})
}
