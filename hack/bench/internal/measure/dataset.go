package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// URNs of schemas and messages.
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// Parts of the names of users.
var (
	givenNames  = []string{"Alice", "Bob", "Carol", "Dan", "Erin", "Frank", "Grace", "Heidi", "Ivan", "Judy", "Mallory"}
	familyNames = []string{"Martin", "Keller", "Diaz", "Novak", "Moss", "Okafor", "Tanaka", "Silva", "Berg", "Rossi", "Kaya", "Lind", "Weber"}
	departments = []string{"Research", "Finance", "Sales", "Support", "Legal", "Operations", "Marketing"}
)

// userName is the name of the n-th user.
func userName(n int64) string {
	return fmt.Sprintf("%s.%s.%06d@example.com", givenNames[n%int64(len(givenNames))], familyNames[n%int64(len(familyNames))], n)
}

// userBody is the n-th user as an identity provider sends it: a little less than a kilobyte.
func userBody(n int64) []byte {
	given, family := givenNames[n%int64(len(givenNames))], familyNames[n%int64(len(familyNames))]
	name := userName(n)
	return marshal(map[string]any{
		"schemas":     []string{urnUser, urnEnterprise},
		"externalId":  fmt.Sprintf("00u%017d", n),
		"userName":    name,
		"name":        map[string]any{"givenName": given, "familyName": family, "formatted": given + " " + family},
		"displayName": given + " " + family,
		"title":       "Member of staff",
		"userType":    "Employee",
		"locale":      "en-GB",
		"active":      true,
		"emails":      []any{map[string]any{"value": name, "type": "work", "primary": true}},
		"phoneNumbers": []any{
			map[string]any{"value": fmt.Sprintf("tel:+1-555-%07d", n), "type": "work"},
		},
		urnEnterprise: map[string]any{
			"employeeNumber": fmt.Sprintf("E%07d", n),
			"department":     departments[n%int64(len(departments))],
			"organization":   "Example",
			"costCenter":     fmt.Sprintf("CC-%03d", n%500),
		},
	})
}

// user is a user that a server has.
type user struct{ id, name string }

// dataset is the users that one server has.
type dataset struct {
	next  atomic.Int64
	turn  atomic.Int64
	mutex sync.RWMutex
	users []user
}

// create is the request for one more user.
func (d *dataset) create() load.Request {
	return load.Request{Method: http.MethodPost, Path: "/Users", Body: userBody(d.next.Add(1)), Status: http.StatusCreated}
}

// created takes up what a server made of such a request.
func (d *dataset) created(body []byte) error {
	var answer struct {
		ID       string `json:"id"`
		UserName string `json:"userName"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("reading the created user: %w", err)
	}
	if answer.ID == "" || answer.UserName == "" {
		return errors.New("the created user has no id or no userName")
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.users = append(d.users, user{id: answer.ID, name: answer.UserName})
	return nil
}

// size is the number of users.
func (d *dataset) size() int {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	return len(d.users)
}

// any is one of the users, by chance.
func (d *dataset) any() user {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	return d.users[rand.IntN(len(d.users))]
}

// inTurn is one of the users, in turn, so that those who change them at the same time change different ones.
func (d *dataset) inTurn() user {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	return d.users[int(d.turn.Add(1)-1)%len(d.users)]
}

// ids are the ids of the first users.
func (d *dataset) ids(count int) []string {
	d.mutex.RLock()
	defer d.mutex.RUnlock()
	ids := make([]string, count)
	for i, u := range d.users[:count] {
		ids[i] = u.id
	}
	return ids
}
