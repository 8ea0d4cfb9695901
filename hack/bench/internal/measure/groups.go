package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// groupSizes are the numbers of members to measure at, as far as there are users.
var groupSizes = []int{10, 1_000, 10_000, 100_000}

const (
	// membersInRequest is how many members a request adds while a group is built.
	membersInRequest = 1000
	// membersInPut is how many members the group has whose members are put.
	membersInPut = 10_000
	// addsInWindow is how many members a window adds.
	addsInWindow = 20
	// withoutMembers leaves the members out of an answer, as clients of large groups do.
	withoutMembers = "?excludedAttributes=members"
)

// groupChanges measures changes of groups, one after the other.
func (b *bench) groupChanges(ctx context.Context, size int) error {
	if err := b.adds(ctx, size); err != nil {
		return err
	}
	return b.puts(ctx, size)
}

// adds measures how long it takes to add one member to groups of several sizes.
func (b *bench) adds(ctx context.Context, size int) error {
	var contenders []contender
	for _, members := range groupSizes {
		if members > size {
			break
		}
		c := contender{
			subject: result.Kubescim, size: members,
			window: load.Window{Concurrency: 1, Duration: time.Minute, Count: addsInWindow},
		}
		ids := b.data.ids(members)
		group, err := b.group(ctx, members, ids)
		if err != nil {
			c.missing = fmt.Errorf("making a group of %s members: %w", result.Thousands(members), err)
		}
		c.workers = groupWorkers(b.tenant.All, func(ctx context.Context, conn *load.Conn, turn int) (time.Duration, error) {
			return addMember(ctx, conn, group, ids[turn%len(ids)])
		})
		contenders = append(contenders, c)
	}
	return b.rounds(ctx, b.measurement(result.AddMember, size, 1), contenders...)
}

// puts measures PUT of a group with all its members: of one that has none yet, and of one that lacks one of them.
func (b *bench) puts(ctx context.Context, size int) error {
	ids := b.data.ids(min(membersInPut, size))
	group, missing := b.group(ctx, 0, nil)
	empty, full, fewer := groupBody("put", nil), groupBody("put", ids), groupBody("put", ids[:len(ids)-1])
	put := func(ctx context.Context, conn *load.Conn, body []byte) (time.Duration, error) {
		began := time.Now()
		_, err := conn.Do(ctx, load.Request{Method: http.MethodPut, Path: "/Groups/" + group, Body: body, Status: http.StatusOK})
		return time.Since(began), err
	}
	contenders := []contender{
		{
			subject: result.FromEmpty,
			window:  load.Window{Concurrency: 1, Duration: time.Minute, Count: 1},
			workers: groupWorkers(b.tenant.All, func(ctx context.Context, conn *load.Conn, _ int) (time.Duration, error) {
				if _, err := put(ctx, conn, empty); err != nil {
					return 0, err
				}
				return put(ctx, conn, full)
			}),
		},
		{
			subject: result.OneChanged,
			window:  load.Window{Concurrency: 1, Duration: time.Minute, Count: 4},
			workers: groupWorkers(b.tenant.All, func(ctx context.Context, conn *load.Conn, turn int) (time.Duration, error) {
				if turn%2 == 0 {
					return put(ctx, conn, fewer)
				}
				return put(ctx, conn, full)
			}),
		},
	}
	for i := range contenders {
		contenders[i].size, contenders[i].missing, contenders[i].patience = len(ids), missing, time.Minute
	}
	return b.rounds(ctx, b.measurement(result.PutGroup, size, 1), contenders...)
}

// group returns the id of the group with these members, which is made unless it is there. It fails where the server
// does not take as many.
func (b *bench) group(ctx context.Context, members int, ids []string) (string, error) {
	if id, made := b.groups[members]; made {
		return id, nil
	}
	conn, err := load.NewConn(b.tenant.All)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	first := min(members, membersInRequest)
	answer, err := conn.Do(ctx, load.Request{
		Method: http.MethodPost, Path: "/Groups" + withoutMembers, Status: http.StatusCreated,
		Body: groupBody(fmt.Sprintf("group of %d, made %s", members, time.Now().Format(time.RFC3339Nano)), ids[:first]),
	})
	if err != nil {
		return "", err
	}
	var group struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(answer, &group); err != nil {
		return "", fmt.Errorf("reading the created group: %w", err)
	}
	for more := range slices.Chunk(ids[first:], membersInRequest) {
		if err := patchMembers(ctx, conn, group.ID, addOperation(more...)); err != nil {
			return "", err
		}
	}
	b.groups[members] = group.ID
	return group.ID, nil
}

// addMember takes a member out of a group and adds it again, so that the group keeps its size. The second is measured.
func addMember(ctx context.Context, conn *load.Conn, group, member string) (time.Duration, error) {
	remove := map[string]any{"op": "remove", "path": `members[value eq "` + member + `"]`}
	if err := patchMembers(ctx, conn, group, remove); err != nil {
		return 0, err
	}
	began := time.Now()
	err := patchMembers(ctx, conn, group, addOperation(member))
	return time.Since(began), err
}

// patchMembers sends one operation on the members of a group (RFC 7644 section 3.5.2).
func patchMembers(ctx context.Context, conn *load.Conn, group string, operation map[string]any) error {
	body := marshal(map[string]any{"schemas": []string{urnPatch}, "Operations": []any{operation}})
	_, err := conn.Do(ctx, load.Request{
		Method: http.MethodPatch, Path: "/Groups/" + group + withoutMembers, Body: body, Status: http.StatusOK,
	})
	return err
}

// addOperation adds members.
func addOperation(ids ...string) map[string]any {
	return map[string]any{"op": "add", "path": "members", "value": memberValues(ids)}
}

// groupBody is a group with its members.
func groupBody(name string, ids []string) []byte {
	return marshal(map[string]any{"schemas": []string{urnGroup}, "displayName": name, "members": memberValues(ids)})
}

func memberValues(ids []string) []map[string]string {
	values := make([]map[string]string, len(ids))
	for i, id := range ids {
		values[i] = map[string]string{"value": id}
	}
	return values
}

// marshal writes a document that is made of strings, which cannot fail.
func marshal(document any) []byte {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return text
}

// groupWorker changes a group over a connection of its own; turn counts the operations.
type groupWorker struct {
	conn *load.Conn
	do   func(ctx context.Context, conn *load.Conn, turn int) (time.Duration, error)
	turn int
}

func groupWorkers(target load.Target, do func(context.Context, *load.Conn, int) (time.Duration, error)) func() (load.Worker, error) {
	return func() (load.Worker, error) {
		conn, err := load.NewConn(target)
		if err != nil {
			return nil, err
		}
		return &groupWorker{conn: conn, do: do}, nil
	}
}

// Do does the next operation.
func (w *groupWorker) Do(ctx context.Context) (time.Duration, error) {
	took, err := w.do(ctx, w.conn, w.turn)
	w.turn++
	return took, err
}

// Close closes the connection.
func (w *groupWorker) Close() { w.conn.Close() }
