package driver_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/barrier"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

var (
	compareSeed  = flag.Uint64("compare.seed", 1, "the first seed of TestComparison")
	compareSeeds = flag.Uint64("compare.seeds", 5, "how many seeds TestComparison runs")
	compareLog   = flag.Bool("compare.log", false, "print what the replicas log")
)

// TestComparison runs the replicas of this package and those of internal/barrier through the
// same faults, in bubbles whose time stands still while anybody works, and compares who is a
// member, whom it knows and what it reads at the same moments. What begins at the very same
// moment may happen in one order or the other, also twice in the same package: so each is
// played again, a few times, until one play is the same.
func TestComparison(t *testing.T) {
	samples, reads, repeated := 0, 0, 0
	for seed := *compareSeed; seed < *compareSeed+*compareSeeds; seed++ {
		var before, after [][]string
		for !agree(before, after) && len(after) < 8 {
			synctest.Test(t, func(*testing.T) { before = append(before, newStage(seed, newBarrier).play()) })
			synctest.Test(t, func(*testing.T) { after = append(after, newStage(seed, newDriver).play()) })
		}
		if !agree(before, after) {
			t.Errorf("seed %d: they differ", seed)
			explain(t, before[0], after[0])
		}
		if len(after) > 1 {
			t.Logf("seed %d was played %d times", seed, len(after))
			repeated++
		}
		samples += len(after[0])
		for _, line := range after[0] {
			if strings.HasSuffix(line, "!") {
				reads++
			}
		}
	}
	t.Logf("%d lines compared, %d of them reads from memory; %d seeds were played more than once", samples, reads, repeated)
}

// agree reports whether one play of each was the same.
func agree(before, after [][]string) bool {
	return slices.ContainsFunc(before, func(one []string) bool {
		return slices.ContainsFunc(after, func(other []string) bool { return slices.Equal(one, other) })
	})
}

func explain(t *testing.T, before, after []string) {
	for i := range min(len(before), len(after)) {
		if before[i] != after[i] {
			for j := max(0, i-12); j < min(i+3, len(before), len(after)); j++ {
				t.Logf("before: %s", before[j])
				t.Logf("after:  %s", after[j])
			}
			return
		}
	}
}

// party is a replica of either kind.
type party interface {
	Run(ctx context.Context) error
	Member() bool
	Lead() bool
	Members() int
	Rewound()
	Accept(version string)
	read(ctx context.Context) (uint64, error)
}

type barrierParty struct{ *barrier.Barrier }

func (p barrierParty) Members() int { return p.MembersKnown() }
func (p barrierParty) read(ctx context.Context) (uint64, error) {
	mark, err := p.Await(ctx)
	return mark.Revisions[barrier.Users], err
}

type driverParty struct{ *driver.Replica }

func (p driverParty) read(ctx context.Context) (uint64, error) {
	revisions, err := p.ReadIndex(ctx)
	return revisions[readindex.Users], err
}

// diary is a Log of either kind.
type diary struct {
	m          *machine
	mu         sync.Mutex
	mark, void uint64
}

func (d *diary) now() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.mark, d.void)
}

func (d *diary) raise(m uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mark, d.void = max(d.mark, m), 0
}

func (d *diary) acknowledge(m uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mark = max(d.mark, m)
}

func (d *diary) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mark, d.void = 0, max(d.mark, d.void)
}

func (d *diary) latest(ctx context.Context) (revision uint64, err error) {
	err = d.m.call(ctx, 6, func(a *stageAPI) error {
		revision = a.revision
		return nil
	})
	return revision, err
}

type barrierDiary struct{ *diary }

func (d barrierDiary) Mark() barrier.Mark   { return mark(d.now()) }
func (d barrierDiary) Raise(m barrier.Mark) { d.raise(m.Revisions[barrier.Users]) }
func (d barrierDiary) Latest(ctx context.Context) (barrier.Mark, error) {
	revision, err := d.latest(ctx)
	return mark(revision), err
}

func mark(revision uint64) barrier.Mark {
	return barrier.Mark{Revisions: [barrier.Kinds]uint64{barrier.Users: revision}}
}

type driverDiary struct{ *diary }

func (d driverDiary) Revisions() readindex.Revisions { return acknowledged(d.now()) }
func (d driverDiary) Raise(r readindex.Revisions)    { d.raise(r[readindex.Users]) }
func (d driverDiary) Latest(ctx context.Context) (readindex.Revisions, error) {
	revision, err := d.latest(ctx)
	return acknowledged(revision), err
}

func newBarrier(m *machine) party {
	b, err := barrier.New(barrier.Options{
		Client: m, Tenant: tenantName, Listen: ":8082", Log: barrierDiary{m.diary}, Logger: m.logger(), Metrics: prometheus.NewRegistry(),
		Pod: barrier.Pod{Namespace: "acme", Name: m.name, UID: m.uid, IP: "127.0.0.1"},
	})
	if err != nil {
		panic(err)
	}
	b.SetNetwork(m.dial, m.listen)
	if m.legacy {
		b.SpeakOnly1()
	}
	return barrierParty{b}
}

func newDriver(m *machine) party {
	r, err := driver.New(driver.Options{
		Client: m, Tenant: tenantName, Listen: ":8082", Log: driverDiary{m.diary}, Logger: m.logger(), Metrics: prometheus.NewRegistry(),
		Pod: driver.Pod{Namespace: "acme", Name: m.name, UID: m.uid, IP: "127.0.0.1"},
	})
	if err != nil {
		panic(err)
	}
	r.SetDial(m.dial)
	r.SetListen(m.listen)
	if m.legacy {
		r.SpeakOnly(1)
	}
	return driverParty{r}
}

// stage is where one of the kinds is played.
type stage struct {
	seed     uint64
	random   *rand.Rand
	make     func(*machine) party
	began    time.Time
	api      stageAPI
	machines []*machine
	pods     int
	lines    []string

	mu     sync.Mutex
	broken map[[2]*machine]fault
	conns  []*stageConn
}

type fault int

const (
	faultCut fault = iota + 1
	faultSilent
)

func newStage(seed uint64, kind func(*machine) party) *stage {
	return &stage{
		seed: seed, random: rand.New(rand.NewPCG(seed, 1)), make: kind, began: time.Now(),
		api: stageAPI{revision: 100, leases: map[string]*coordinationv1.Lease{}}, broken: map[[2]*machine]fault{},
	}
}

// play lets things happen at moments that are no multiple of anything that a replica waits
// for, and looks in between.
func (s *stage) play() []string {
	for range 3 {
		s.startPod()
	}
	const moment = 311*time.Millisecond + 137*time.Microsecond
	for i := range 300 {
		time.Sleep(moment)
		synctest.Wait()
		if i%7 == 0 {
			s.happen()
		}
		time.Sleep(moment)
		synctest.Wait()
		s.look()
	}
	for _, m := range s.machines {
		m.end()
	}
	for _, m := range s.machines {
		<-m.ended
	}
	return s.lines
}

func (s *stage) note(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf("%v %s", time.Since(s.began), fmt.Sprintf(format, args...)))
}

func (s *stage) living() []*machine {
	return slices.DeleteFunc(slices.Clone(s.machines), func(m *machine) bool { return m.dead || m.leaving })
}

// look notes what is seen of each replica, and lets some of them tell clients of a write.
func (s *stage) look() {
	for _, m := range s.living() {
		if m.party.Member() && s.random.IntN(3) == 0 {
			m.diary.acknowledge(s.api.write())
		} else {
			s.random.IntN(3)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		revision, err := m.party.read(ctx)
		cancel()
		if err != nil {
			// Which of several that cannot be asked is named was by chance.
			why := regexp.MustCompile("replica [^ ]* cannot").ReplaceAllString(err.Error(), "a replica cannot")
			s.note("%s member=%v lead=%v members=%d: %v", m, m.party.Member(), m.party.Lead(), m.party.Members(), why)
		} else {
			s.note("%s member=%v lead=%v members=%d: reads at %d!", m, m.party.Member(), m.party.Lead(), m.party.Members(), revision)
		}
	}
}

func (s *stage) happen() {
	living := s.living()
	what, one, other := s.random.IntN(14), s.random.IntN(1000), s.random.IntN(1000)
	long := time.Duration(s.random.IntN(25000))*time.Millisecond + 777*time.Microsecond
	if len(living) < 2 || len(living) < 5 && what < 2 {
		s.startPod()
		return
	}
	m, n := living[one%len(living)], living[other%len(living)]
	switch what {
	case 0, 1, 2:
		s.note("%s crashes", m)
		m.crash()
	case 3:
		s.note("%s crashes and its pod goes on", m)
		m.crash()
		s.start(m.name, m.uid)
	case 4, 5:
		s.note("%s leaves", m)
		m.leaving = true
		m.end()
	case 6, 7, 8:
		if m != n {
			f := faultCut
			if one%3 == 0 {
				f = faultSilent
			}
			s.note("fault %d between %s and %s for %v", f, m, n, long)
			s.set(m, n, f)
			time.AfterFunc(long, func() { s.set(m, n, 0) })
		}
	case 9, 10:
		s.note("the API server refuses %s for %v", m, long)
		m.refused = true
		time.AfterFunc(long, func() { m.refused = false })
	case 11:
		s.note("the API server is away for %v", long/2)
		s.api.away = true
		time.AfterFunc(long/2, func() { s.api.away = false })
	case 12:
		s.note("%s found out that etcd was restored", m)
		m.party.Rewound()
	case 13:
		s.note("somebody deletes the Lease of %s", m)
		delete(s.api.leases, m.name)
	}
}

func (s *stage) startPod() {
	s.pods++
	s.start(fmt.Sprintf("acme-scim-%d", s.pods), "uid-"+strconv.Itoa(s.pods))
}

func (s *stage) start(name, uid string) {
	m := &machine{stage: s, number: len(s.machines), name: name, uid: uid, ended: make(chan struct{}), accepts: make(chan net.Conn)}
	m.legacy = s.seed%3 == 0 && s.random.IntN(3) == 0
	m.diary = &diary{m: m}
	m.party = s.make(m)
	s.machines = append(s.machines, m)
	s.note("%s starts", m)
	ctx, end := context.WithCancel(context.Background())
	m.end = end
	go func() {
		defer close(m.ended)
		_ = m.party.Run(ctx)
	}()
}

func (s *stage) set(m, n *machine, f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[[2]*machine{m, n}], s.broken[[2]*machine{n, m}] = f, f
	if f != faultCut {
		return
	}
	for _, c := range s.conns {
		if c.from == m && c.to == n || c.from == n && c.to == m {
			c.close()
		}
	}
}

func (s *stage) fault(m, n *machine) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[[2]*machine{m, n}]
}

// machine is a process, with its client of the API server and its network.
type machine struct {
	client.Client
	stage     *stage
	number    int
	name, uid string
	party     party
	diary     *diary
	end       context.CancelFunc
	ended     chan struct{}
	accepts   chan net.Conn
	address   string
	// legacy is true for one of the release before.
	legacy, refused, dead, leaving bool
}

func (m *machine) String() string { return fmt.Sprintf("%s/%d", m.name, m.number) }

func (m *machine) logger() *slog.Logger {
	if !*compareLog {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("at", m.String())
}

// crash lets the process do nothing that anybody sees.
func (m *machine) crash() {
	m.dead = true
	m.stage.mu.Lock()
	for _, c := range m.stage.conns {
		if c.from == m || c.to == m {
			c.close()
		}
	}
	m.stage.mu.Unlock()
	m.end()
}

// The network.

func (m *machine) listen(context.Context, string, string) (net.Listener, error) {
	m.address = fmt.Sprintf("127.0.0.1:%d", 10000+m.number)
	return &stageListener{m: m, closed: make(chan struct{})}, nil
}

type stageListener struct {
	m      *machine
	once   sync.Once
	closed chan struct{}
}

func (l *stageListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.m.accepts:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *stageListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *stageListener) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10000 + l.m.number}
}

type stageConn struct {
	from, to *machine
	ends     [4]net.Conn
}

func (c *stageConn) close() {
	for _, end := range c.ends {
		_ = end.Close()
	}
}

// latency is how long a packet is on its way to or from the replica.
func (m *machine) latency() time.Duration {
	return 200*time.Microsecond + time.Duration(m.number)*7*time.Microsecond
}

func (m *machine) dial(ctx context.Context, _, address string) (net.Conn, error) {
	if err := pause(ctx, m.latency()); err != nil {
		return nil, err
	}
	at := slices.IndexFunc(m.stage.machines, func(n *machine) bool { return n.address == address && !n.dead })
	if at < 0 || m.dead {
		return nil, errors.New("connection refused")
	}
	to := m.stage.machines[at]
	switch m.stage.fault(m, to) {
	case faultCut:
		return nil, errors.New("connection refused")
	case faultSilent:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	near, nearEnd := net.Pipe()
	far, farEnd := net.Pipe()
	c := &stageConn{from: m, to: to, ends: [4]net.Conn{near, nearEnd, far, farEnd}}
	m.stage.mu.Lock()
	m.stage.conns = append(m.stage.conns, c)
	m.stage.mu.Unlock()
	go c.forward(nearEnd, farEnd)
	go c.forward(farEnd, nearEnd)
	select {
	case to.accepts <- far:
		return near, nil
	case <-to.ended:
	case <-ctx.Done():
	}
	c.close()
	return nil, errors.New("connection refused")
}

func (c *stageConn) forward(from, to net.Conn) {
	buffer := make([]byte, 16384)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			_ = to.Close()
			return
		}
		time.Sleep(c.from.latency() + c.to.latency())
		if c.from.stage.fault(c.from, c.to) == faultSilent {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			_ = from.Close()
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// The API server.

type stageAPI struct {
	mu       sync.Mutex
	away     bool
	revision uint64
	leases   map[string]*coordinationv1.Lease
}

func (a *stageAPI) write() uint64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision++
	return a.revision
}

func (a *stageAPI) stored(lease *coordinationv1.Lease) {
	a.revision++
	lease.ResourceVersion = strconv.FormatUint(a.revision, 10)
	a.leases[lease.Name] = lease.DeepCopy()
}

// call makes a call to the API server. No two of different kinds, or of different replicas,
// take as long, so that what begins at the same moment ends in the same order.
func (m *machine) call(ctx context.Context, kind int, do func(*stageAPI) error) error {
	latency := time.Millisecond + time.Duration(kind)*211*time.Microsecond + time.Duration(m.number)*13*time.Microsecond
	if err := pause(ctx, latency); err != nil {
		return err
	}
	if m.dead || m.refused || m.stage.api.away {
		return errRefused
	}
	a := &m.stage.api
	a.mu.Lock()
	defer a.mu.Unlock()
	return do(a)
}

var leaseResource = schema.GroupResource{Group: coordinationv1.GroupName, Resource: "leases"}

func (m *machine) Get(ctx context.Context, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
	return m.call(ctx, 1, func(a *stageAPI) error {
		lease, is := o.(*coordinationv1.Lease)
		if !is || a.leases[key.Name] == nil {
			return apierrors.NewNotFound(leaseResource, key.Name)
		}
		a.leases[key.Name].DeepCopyInto(lease)
		return nil
	})
}

func (m *machine) List(ctx context.Context, o client.ObjectList, _ ...client.ListOption) error {
	return m.call(ctx, 2, func(a *stageAPI) error {
		list := o.(*coordinationv1.LeaseList)
		for _, name := range slices.Sorted(maps.Keys(a.leases)) {
			list.Items = append(list.Items, *a.leases[name].DeepCopy())
		}
		return nil
	})
}

func (m *machine) Create(ctx context.Context, o client.Object, _ ...client.CreateOption) error {
	return m.call(ctx, 3, func(a *stageAPI) error {
		lease := o.(*coordinationv1.Lease)
		if a.leases[lease.Name] != nil {
			return apierrors.NewAlreadyExists(leaseResource, lease.Name)
		}
		lease.UID = types.UID("uid-" + strconv.FormatUint(a.revision, 10))
		a.stored(lease)
		return nil
	})
}

func (m *machine) Update(ctx context.Context, o client.Object, _ ...client.UpdateOption) error {
	return m.call(ctx, 4, func(a *stageAPI) error {
		lease := o.(*coordinationv1.Lease)
		found := a.leases[lease.Name]
		switch {
		case found == nil:
			return apierrors.NewNotFound(leaseResource, lease.Name)
		case found.ResourceVersion != lease.ResourceVersion:
			return apierrors.NewConflict(leaseResource, lease.Name, nil)
		}
		a.stored(lease)
		return nil
	})
}

func (m *machine) Delete(ctx context.Context, o client.Object, options ...client.DeleteOption) error {
	return m.call(ctx, 5, func(a *stageAPI) error {
		found := a.leases[o.GetName()]
		if found == nil {
			return apierrors.NewNotFound(leaseResource, o.GetName())
		}
		var given client.DeleteOptions
		given.ApplyOptions(options)
		if p := given.Preconditions; p != nil && (*p.UID != found.UID || *p.ResourceVersion != found.ResourceVersion) {
			return apierrors.NewConflict(leaseResource, o.GetName(), nil)
		}
		a.revision++
		delete(a.leases, o.GetName())
		return nil
	})
}
