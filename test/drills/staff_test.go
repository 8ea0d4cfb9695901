//go:build drills

package drills

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// departments is how many the users of a tenant are in, by turns.
	departments = 100
	// hiredAtOnce is how many users one bulk request creates, and hirers how many of these are sent at a time.
	hiredAtOnce, hirers = 250, 2
	// cyclePeriod is how often a client of a replica creates, reads and finds a user.
	cyclePeriod = 200 * time.Millisecond
)

// staff are the users of a tenant, each with a number from which the content follows.
type staff struct {
	tenant *Tenant
	next   atomic.Int64

	lock    sync.Mutex
	numbers map[string]int // by id
}

func newStaff(t *Tenant) *staff { return &staff{tenant: t, numbers: map[string]int{}} }

func (s *staff) add(id string, number int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.numbers[id] = number
}

// size is how many there are.
func (s *staff) size() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return len(s.numbers)
}

// userNameOf is that of the user with a number. SCIM has no regard to its case.
func userNameOf(number int) string { return fmt.Sprintf("Person.%d@Example.com", number) }

// departmentOf is that of the user with a number, and teamOf the label that is made of it.
func departmentOf(number int) string { return fmt.Sprintf("R&D / Team %d", number%departments) }
func teamOf(number int) string       { return fmt.Sprintf("r-d-team-%d", number%departments) }

// userTypeOf is that of the user with a number.
func userTypeOf(number int) string { return []string{"Employee", "Contractor"}[number%2] }

// personOf is the body of the user with a number.
func personOf(number int) string {
	return fmt.Sprintf(`{"schemas":[%q,%q],"userName":%q,"active":true,"displayName":"Person %d","userType":%q,`+
		`"emails":[{"value":%[3]q,"type":"work","primary":true}],%[2]q:{"department":%[6]q}}`,
		URNUser, URNEnterprise, userNameOf(number), number, userTypeOf(number), departmentOf(number))
}

// hire creates users by bulk requests.
func (s *staff) hire(count int) {
	GinkgoHelper()
	var hiring sync.WaitGroup
	for range hirers {
		hiring.Go(func() {
			defer GinkgoRecover()
			c, closeIdle := s.tenant.Service.WithTimeout(time.Minute).Lasting()
			defer closeIdle()
			for to := int(s.next.Add(hiredAtOnce)); to <= count; to = int(s.next.Add(hiredAtOnce)) {
				s.hireSome(c, to-hiredAtOnce, to)
			}
		})
	}
	hiring.Wait()
	Expect(s.numbers).To(HaveLen(count))
}

// hireSome creates the users with the numbers from one up to, but without, another.
func (s *staff) hireSome(c *Client, from, to int) {
	GinkgoHelper()
	var operations []string
	for number := from; number < to; number++ {
		operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":%s}`, number, personOf(number)))
	}
	results, _ := c.Do(http.MethodPost, "/Bulk", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[%s]}`,
		strings.Join(operations, ","))).Has(http.StatusOK).At("Operations").([]any)
	Expect(results).To(And(HaveLen(len(operations)), HaveEach(HaveKeyWithValue("status", "201"))))
	for _, result := range results {
		location, _ := Dig(result, "location").(string)
		text, _ := Dig(result, "bulkId").(string)
		number, err := strconv.Atoi(text)
		Expect(err).NotTo(HaveOccurred())
		s.add(path.Base(location), number)
	}
}

// day is what clients of a tenant, one at each replica, send all the time.
type day struct {
	staff *staff
	stop  context.CancelFunc
	done  sync.WaitGroup

	lock   sync.Mutex
	took   map[string][]time.Duration // by what was asked for
	failed []string
}

// What is asked for in each cycle.
const (
	creation = "creations"
	reading  = "reads by id"
	finding  = "filters by userName"
)

// beginDay begins to create users, each of whom is read by id and found by userName then.
func (s *staff) beginDay(ctx context.Context) *day {
	ctx, stop := context.WithCancel(ctx)
	d := &day{staff: s, stop: stop, took: map[string][]time.Duration{}}
	for _, replica := range s.tenant.Replicas {
		c, closeIdle := replica.Lasting()
		d.done.Go(func() {
			defer closeIdle()
			every(ctx, cyclePeriod, func(int) { d.cycle(c) })
		})
	}
	DeferCleanup(d.end)
	return d
}

func (d *day) cycle(c *Client) {
	number := int(d.staff.next.Add(1)) - 1
	created := d.send(c, creation, http.MethodPost, Users, personOf(number), http.StatusCreated)
	if created == nil {
		return
	}
	id, _ := created.At("id").(string)
	d.staff.add(id, number)
	d.send(c, reading, http.MethodGet, Users+"/"+id, "", http.StatusOK)
	found := d.send(c, finding, http.MethodGet, Filter(Users, "userName eq %q", strings.ToUpper(userNameOf(number))), "", http.StatusOK)
	if found != nil && found.At("totalResults") != 1.0 {
		d.fail(found.String())
	}
}

// send sends a request once, and returns the answer if it is as expected.
func (d *day) send(c *Client, what, method, path, body string, expected int) *Response {
	r, err := c.Try(method, path, body)
	switch {
	case err != nil:
		d.fail(err.Error())
		return nil
	case r.Status != expected:
		d.fail(r.String())
		return nil
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	d.took[what] = append(d.took[what], r.Took)
	return r
}

func (d *day) fail(message string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.failed = append(d.failed, time.Now().Format(time.StampMilli)+": "+message)
}

// cycles is how many users have been found so far, and how many requests have failed.
func (d *day) cycles() int {
	d.lock.Lock()
	defer d.lock.Unlock()
	return len(d.took[finding]) + len(d.failed)
}

// end ends the requests. It may be called again.
func (d *day) end() {
	d.stop()
	d.done.Wait()
}
