package restore

import (
	"fmt"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// crew is a few users of a tenant, in a group, whom no client changes.
type crew struct {
	tenant *tenant
	prefix string
	users  map[string]string // userNames by id
	group  string            // its id; its name is the prefix
}

// sightings are what is asked about a crew while it is put back. What was there once stays
// there, whoever is asked and however.
type sightings struct {
	crew    *crew
	stop    chan struct{}
	running sync.WaitGroup

	lock   sync.Mutex
	seen   map[string]time.Time // the first answer that showed it
	missed []missed
}

// missed is what an answer did not show.
type missed struct {
	what, answer string
	asked        time.Time
}

// watch begins to ask about a crew at all pods.
func (c *crew) watch() *sightings {
	s := &sightings{crew: c, stop: make(chan struct{}), seen: map[string]time.Time{}}
	for _, p := range c.tenant.pods {
		s.running.Go(func() {
			for {
				for _, ask := range []func(*pod){s.askList, s.askUsers, s.askNames, s.askGroup, s.askGroupName} {
					ask(p)
				}
				select {
				case <-s.stop:
					return
				case <-time.After(pace):
				}
			}
		})
	}
	return s
}

// end ends the asking. All must have been seen, and nothing been missed after that.
func (s *sightings) end() {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		s.lock.Lock()
		defer s.lock.Unlock()
		g.Expect(s.seen).To(HaveLen(5*len(s.crew.users) + 2))
	}).Should(Succeed())
	close(s.stop)
	s.running.Wait()
	var problems []string
	for _, m := range s.missed {
		if first, was := s.seen[m.what]; was && m.asked.After(first) && len(problems) < 5 {
			problems = append(problems, fmt.Sprintf("%s was shown %s before this was asked: %s", m.what, m.asked.Sub(first), m.answer))
		}
	}
	Expect(problems).To(BeEmpty())
}

// ask asks for things, and notes which of them the answer shows.
func (s *sightings) ask(p *pod, path string, shown func(*Response) map[string]bool, things ...string) {
	asked := time.Now()
	r, err := p.Try("GET", path, "")
	if err != nil || r.Status >= 500 {
		return
	}
	answered, found := time.Now(), shown(r)
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, what := range things {
		if !found[what] {
			s.missed = append(s.missed, missed{what: what, asked: asked, answer: p.name + ": " + r.String()})
		} else if first, was := s.seen[what]; !was || answered.Before(first) {
			s.seen[what] = answered
		}
	}
}

// things are the users of the crew in some respect.
func (s *sightings) things(respect string) []string {
	var all []string
	for id := range s.crew.users {
		all = append(all, respect+id)
	}
	return all
}

// ids are the values that an answer has, in some respect.
func ids(respect string, values []string) map[string]bool {
	found := map[string]bool{}
	for _, value := range values {
		found[respect+value] = true
	}
	return found
}

func (s *sightings) askList(p *pod) {
	s.ask(p, Filter(Users, "userName sw %q", s.crew.prefix), func(r *Response) map[string]bool {
		return ids("listed ", resourceIDs(r))
	}, s.things("listed ")...)
}

func (s *sightings) askUsers(p *pod) {
	for id := range s.crew.users {
		user, membership := "user "+id, "groups of "+id
		s.ask(p, Users+"/"+id, func(r *Response) map[string]bool {
			return map[string]bool{user: r.Status == 200, membership: len(Values(r.At("groups"))) > 0}
		}, user, membership)
	}
}

func (s *sightings) askNames(p *pod) {
	for id, name := range s.crew.users {
		s.ask(p, Filter(Users, "userName eq %q", strings.ToUpper(name)), func(r *Response) map[string]bool {
			return ids("named ", resourceIDs(r))
		}, "named "+id)
	}
}

func (s *sightings) askGroup(p *pod) {
	s.ask(p, Groups+"/"+s.crew.group, func(r *Response) map[string]bool {
		found := ids("member ", Values(r.At("members")))
		found["group"] = r.Status == 200
		return found
	}, append(s.things("member "), "group")...)
}

func (s *sightings) askGroupName(p *pod) {
	s.ask(p, Filter(Groups, "displayName eq %q", s.crew.prefix), func(r *Response) map[string]bool {
		return ids("group named ", resourceIDs(r))
	}, "group named "+s.crew.group)
}

// resourceIDs are the ids in a list.
func resourceIDs(r *Response) []string {
	var found []string
	resources, _ := r.At("Resources").([]any)
	for _, resource := range resources {
		id, _ := Dig(resource, "id").(string)
		found = append(found, id)
	}
	return found
}
