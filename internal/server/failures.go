package server

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/lru"

	"github.com/kubescim/kubescim/internal/scim"
)

const (
	// failuresBySource and failuresInAll are how many requests without a good token are
	// told so in a second, from one address and together, and how many at once. Behind
	// an Ingress controller all come from one address.
	failuresBySource, failuresBySourceAtOnce = 5, 100
	failuresInAll, failuresInAllAtOnce       = 50, 500
	// rememberedSources is of how many addresses it is known, those last seen. Who
	// comes from very many is bounded by what is allowed in all.
	rememberedSources = 1024
	// retryRefused is what clients are told to wait who are over it. A token that is
	// bad does not become good, and one that is good is never refused.
	retryRefused = time.Minute
	// unloggedEvery is how often the log says how many lines were left out.
	unloggedEvery = 10 * time.Second
)

// failures bounds what requests without a good token may cost: how many of them are
// written to the log and are told what to do. A request with a good token is none of its
// business, so that nobody is kept out by what others send from the same address. It does
// not guard the tokens, which nobody can guess.
type failures struct {
	all     *rate.Limiter
	sources *lru.Cache

	mu         sync.Mutex
	unlogged   int       // lines that were left out
	lastLogged time.Time // when the log last said so
}

func newFailures() *failures {
	return &failures{all: rate.NewLimiter(failuresInAll, failuresInAllAtOnce), sources: lru.New(rememberedSources)}
}

// allow counts a request from the source, and reports whether it is within bounds.
func (f *failures) allow(source string, now time.Time) bool {
	f.mu.Lock()
	found, known := f.sources.Get(source)
	limiter, _ := found.(*rate.Limiter)
	if !known {
		limiter = rate.NewLimiter(failuresBySource, failuresBySourceAtOnce)
		f.sources.Add(source, limiter)
	}
	f.mu.Unlock()
	return limiter.AllowN(now, 1) && f.all.AllowN(now, 1)
}

// leaveOut counts a line that is not written. It returns how many there were when it is
// time to say so, and else 0.
func (f *failures) leaveOut(now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.unlogged++
	if now.Sub(f.lastLogged) < unloggedEvery {
		return 0
	}
	count := f.unlogged
	f.unlogged, f.lastLogged = 0, now
	return count
}

// source is the address that the request comes from. Forwarding headers are not looked
// at: anybody could send them.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// refuse answers a request that has no good token. What is wrong with it is told to the
// log alone.
func (x *exchange) refuse(found credential) {
	err := x.unauthorized(found)
	if x.tenant.failures.allow(source(x.r), x.began) {
		x.fail(err)
		return
	}
	x.retry, x.unlogged = retryRefused, true
	x.fail(scim.Errorf(http.StatusTooManyRequests, "",
		"the bearer token is missing, unknown, expired or revoked, and too many requests come with such a token; one with a good token is answered at any time"))
}

// unauthorized is the error for a request that has no good token, or has none any more.
func (x *exchange) unauthorized(found credential) error {
	x.refused = found
	x.tenant.outcomes.metrics.refused.WithLabelValues(string(found.reason)).Inc()
	x.setHeader(headerAuthenticate, `Bearer realm="scim"`)
	return scim.Errorf(http.StatusUnauthorized, "",
		"the bearer token is missing, unknown, expired or revoked; send the token that you were given for this URL in a header, as in Authorization: Bearer <token>")
}
