package scimtest

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// CreateUsers creates users, eight at a time, and returns their userNames by their ids.
func CreateUsers(service *Client, count int) map[string]string {
	GinkgoHelper()
	var creating sync.WaitGroup
	var begun atomic.Int64
	names, ids := make([]string, count), make([]string, count)
	for range 8 {
		creating.Go(func() {
			defer GinkgoRecover()
			lasting, closeIdle := service.Lasting()
			defer closeIdle()
			for i := int(begun.Add(1)) - 1; i < count; i = int(begun.Add(1)) - 1 {
				names[i] = fmt.Sprintf("user-%d@example.com", i)
				ids[i] = lasting.Do(http.MethodPost, Users, PlainUser(names[i])).Has(http.StatusCreated).ID()
			}
		})
	}
	creating.Wait()
	users := map[string]string{}
	for i, id := range ids {
		users[id] = names[i]
	}
	Expect(users).To(HaveLen(count))
	return users
}
