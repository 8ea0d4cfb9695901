// Package nginx makes a configuration of sites, and has nginx serve by it.
package nginx

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"text/template"

	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

//go:embed nginx.conf.tmpl
var text string

var configuration = template.Must(template.New("nginx.conf").Parse(text))

// Settings are the same for all that is served.
type Settings struct {
	// Directory is an absolute path, below which is all that nginx writes and reads.
	Directory string
	// User is the one of the processes that have to do with clients.
	User string
	// Listen is the address for clients, Health the one at which the generation is to be had.
	Listen, Health netip.AddrPort
	// Fallback is presented where nobody names a certificate.
	Fallback *site.Certificate
}

// plain are words that mean nothing but themselves in a configuration.
var plain = regexp.MustCompile(`^[A-Za-z0-9/._-]+$`)

// check refuses settings that cannot be written down. They come from whoever starts the program.
func (s *Settings) check() error {
	if !plain.MatchString(s.Directory) || s.Directory[0] != '/' || !plain.MatchString(s.User) {
		return errors.New("the folder has to be an absolute path, and it and the user of letters, digits and /._- alone")
	}
	if s.Fallback == nil || !s.Listen.IsValid() || !s.Health.IsValid() {
		return errors.New("a certificate and two addresses are needed")
	}
	return nil
}

// Configuration is what nginx is to serve by.
type Configuration struct {
	Text string
	// Generation is another one for another configuration.
	Generation string
	// Certificates are those that the text names, by the names of their files without an extension.
	Certificates map[string]*site.Certificate
}

// Render makes the configuration for sites that are merged. It can be written of all that package site has checked.
func Render(s Settings, sites []site.Site) (*Configuration, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	made := &page{
		Settings: s, Fallback: certificateFile(s.Fallback), upstreams: map[string]bool{},
		Configuration: &Configuration{Certificates: map[string]*site.Certificate{certificateFile(s.Fallback): s.Fallback}},
	}
	for _, each := range sites {
		made.add(each)
	}
	body, err := made.execute()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(body))
	made.Generation = hex.EncodeToString(sum[:16])
	made.Text, err = made.execute()
	return made.Configuration, err
}

// page is what the template is written with.
type page struct {
	Settings
	*Configuration
	Fallback  string
	Upstreams []upstream
	Sites     []server

	upstreams map[string]bool // by name
}

// upstream is a group of servers, which are the same for all routes to it.
type upstream struct {
	Name    string
	Servers []site.Server
}

// server is a site as the template has it.
type server struct {
	Host        site.Host
	RefuseTLS   bool
	Certificate string
	Locations   []location
	// Everything is true when a location is for all paths.
	Everything bool
}

// location is a route as the template has it, or one of two.
type location struct {
	Match, Upstream string
	// Status is what is answered without an upstream.
	Status int
	TLS    bool // to the servers
}

func (p *page) add(s site.Site) {
	one := server{Host: s.Host, RefuseTLS: s.RefuseTLS, Certificate: p.Fallback}
	if s.Certificate != nil {
		one.Certificate = certificateFile(s.Certificate)
		p.Certificates[one.Certificate] = s.Certificate
	}
	for _, route := range s.Routes {
		// nginx passes the path on as the client has written it: what is decided by is the path with escapes resolved.
		to, path := location{Upstream: p.upstream(route.Servers), Status: http.StatusServiceUnavailable, TLS: len(route.Servers) > 0 && route.Servers[0].TLS}, route.Path.String()
		if route.Broken {
			to.Status = http.StatusInternalServerError
		}
		switch {
		case path == "" && !route.Exact:
			one.Everything = true
			one.Locations = append(one.Locations, to.matching("/"))
		case path == "":
			one.Locations = append(one.Locations, to.matching("= /"))
		case route.Exact:
			one.Locations = append(one.Locations, to.matching("= "+path))
		default:
			// A prefix ends at a slash: /scim is not for /scimitar.
			one.Locations = append(one.Locations, to.matching("= "+path), to.matching(path+"/"))
		}
	}
	one.Locations = withoutRepetition(one.Locations)
	p.Sites = append(p.Sites, one)
}

// matching is the location for what matches.
func (l location) matching(match string) location {
	l.Match = match
	return l
}

// withoutRepetition leaves the first location of those that match the same. An exact route comes before the one for all below
// the same path.
func withoutRepetition(locations []location) []location {
	seen := map[string]bool{}
	var once []location
	for _, each := range locations {
		if !seen[each.Match] {
			seen[each.Match] = true
			once = append(once, each)
		}
	}
	return once
}

// upstream is the name of the group of servers; empty when there are none.
func (p *page) upstream(servers []site.Server) string {
	if len(servers) == 0 {
		return ""
	}
	hash := sha256.New()
	for _, each := range servers {
		_, _ = fmt.Fprintf(hash, "%s %d\n", each.Address, each.Weight) // A hash accepts all.
		if each.TLS {
			_, _ = hash.Write([]byte("tls\n"))
		}
	}
	name := "pods-" + hex.EncodeToString(hash.Sum(nil)[:8])
	if !p.upstreams[name] {
		p.upstreams[name] = true
		p.Upstreams = append(p.Upstreams, upstream{name, servers})
	}
	return name
}

// certificateFile is the name of a certificate's files, without an extension.
func certificateFile(c *site.Certificate) string { return "certificate-" + c.ID() }

func (p *page) execute() (string, error) {
	var out bytes.Buffer
	if err := configuration.Execute(&out, p); err != nil {
		return "", fmt.Errorf("write the configuration of nginx: %w", err)
	}
	return out.String(), nil
}
